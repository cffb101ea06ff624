package analyze

import (
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
)

// Rules describes the evidence that comes from bytes rather than text, in the
// way that rules.All describes the rules on text. They have no weight: one
// such piece decides.
func Rules() []rules.Rule {
	return []rules.Rule{
		{
			ID: "content-compiled", Title: "what was fetched holds compiled files",
			Why:    "Compiled files in a download were compiled by someone else.",
			How:    "Every file at any depth of archives is recognised by a checked header of its format.",
			Limits: "Says nothing of whether anybody uses them: see the trace-* rules.",
			Remedy: "If they are not used, remove them while fetching; if they are, build them.",
		},
		{
			ID: "content-mainly-compiled", Title: "what was fetched is mainly compiled code",
			Why:    "A download that is mostly compiled code is a binary, even if this closure makes no use of it.",
			How:    "At least half of the bytes of its files are compiled, and text does not predominate among them by number.",
			Limits: "A source archive with large compiled test data can look like it.",
			Remedy: "Fetch the source and build it.",
		},
		{
			ID: "content-opaque", Title: "what was fetched is data of no known format, and suspected", Kind: audit.Firmware,
			Why:    "Firmware often has no header that could be recognised.",
			How:    "The text suspects prebuilt code, no compiled format is recognised, and most bytes are neither text nor a known format.",
			Limits: "Data of an unknown format looks the same; hence low confidence.",
			Remedy: "If it is data, waive the finding and say what it is.",
		},
		{
			ID: "content-none", Title: "what was fetched holds no compiled file",
			Why:    "Without compiled files there is nothing prebuilt to use.",
			How:    "All of it was read, at every depth, and nothing of a compiled format was found.",
			Limits: "Formats that the detector does not know; text that encodes a binary is told as content-embedded.",
		},
		{
			ID: "content-embedded", Title: "a text carries an encoded binary",
			Why:    "A binary can hide in a byte array or an encoding.",
			How:    "Encoded stretches of text decode to a known compiled format.",
			Limits: "Test data does this as well; where it goes is not traced.",
			Remedy: "Generate it while building.",
		},
		{
			ID: "content-unread", Title: "a part of what was fetched could not be looked at",
			Why:    "What was not looked at can hold anything, so nothing is called source with it.",
			How:    "Encrypted, damaged or unknown containers, and those over a bound.",
			Remedy: "Remove the part while fetching, or repack it in a format that can be read.",
		},
		{
			ID: "trace-identical", Title: "a prebuilt file is in an output, unchanged",
			Why:    "The output carries what was not built.",
			How:    "The SHA-256 of a file in an output, at any depth, is that of a compiled member of something that the derivation depends on.",
			Limits: "A build that reproduces a file bit for bit gives the same.",
			Remedy: "Build it, or take it from a package that does.",
		},
		{
			ID: "trace-patched", Title: "a prebuilt file is in an output, patched", Kind: audit.NativeCode,
			Why:    "Another interpreter, rpath or strip leaves the code as it was.",
			How:    "The executable sections have the same hash.",
			Limits: "Code that is itself rewritten is not recognised.",
			Remedy: "Build it from source.",
		},
		{
			ID: "trace-build-id", Title: "a file in an output has the build-id of a prebuilt one", Kind: audit.NativeCode,
			Why:    "A build-id names one run of a linker.",
			How:    "The build-id notes are equal although the code could not be found equal.",
			Limits: "A build-id can be set by hand.",
			Remedy: "Build it from source.",
		},
		{
			ID: "trace-linked", Title: "prebuilt objects are linked into an output", Kind: audit.NativeCode,
			Why:    "A static library that was fetched becomes part of what is linked with it.",
			How:    "Samples of machine code, chosen by their own content, are those of a prebuilt object, and of no derivation that can't have used it.",
			Limits: "Small objects are not seen. The same source compiled by the same compiler looks alike.",
			Remedy: "Build the library.",
		},
		{
			ID: "trace-embedded", Title: "a prebuilt file lies inside a file of an output",
			Why:    "A program, a class or firmware can be put into another file as data, and be taken out or executed from there.",
			How:    "Samples of its bytes, one window in some thousand chosen by its content: nine of ten of them are in the output, at any offset. What is compressed inside native code is unpacked first.",
			Limits: "Files of less than some four kibibytes, and what is encoded inside the other file, are not seen. Data that both have from the same source looks alike.",
			Remedy: "Build what is embedded.",
		},
		{
			ID: "trace-reference", Title: "an output leads to a prebuilt file that was fetched",
			Why:    "A link to a download, or a script that starts it, is the download under another name: it comes with the output, as it is.",
			How:    "A symbolic link in the output ends at a compiled file of a fetch or of an input source; or the text says that the output carries prebuilt code, and its bytes hold the store path of such a fetch.",
			Limits: "What another package carries is a row of its own, and a link to that says nothing of this one. Links inside archives are not followed.",
			Remedy: "Build what it leads to.",
		},
		{
			ID: "trace-unused", Title: "prebuilt members were not found in any output",
			Why:    "Many source archives ship compiled files that nobody uses.",
			How:    "The outputs of all that use the archive were read whole, and what their builds executed is on record, where it is.",
			Limits: "What trace can't recognise; see trace-none.",
		},
		{
			ID: "trace-in-target", Title: "a fetch with compiled files is itself part of the target",
			Why: "What is in the target reaches its users.",
			How: "The store path of the fetch is in the image or in the runtime closure.",
		},
		{
			ID: "trace-none", Title: "no file of the outputs is known to be prebuilt",
			Why:    "What an output holds and no fetch held was made by the build.",
			How:    "All compiled files of all outputs were compared with the members of all that the derivation depends on.",
			Limits: "Code that is encrypted, packed or rewritten is not recognised.",
		},
		{
			ID: "not-followed", Title: "something stands between a derivation and source",
			Why:    "What could not be looked at, or not be followed, is not clean.",
			How:    "Every doubt that a derivation's inputs, its outputs and the record of its build leave is one piece of such evidence.",
			Limits: "A doubt says what could be, not what is.",
			Remedy: "What the doubt names: make it available, record the build, or remove what the build does not need from what it is given.",
		},
		{
			ID: "exec-recorded", Title: "a build executed a prebuilt program",
			Why:    "What a prebuilt program generates is only as trustworthy as the program.",
			How:    "The guest records every program that a build executes; this one lies in a fetch, was unpacked from one, or is carried by a package.",
			Limits: "What a dynamic loader or an emulator is given, and programs changed before they run, are not in the record; where such were at hand and could have been given, the verdict is unknown.",
			Remedy: "Bootstrap the tool from source.",
		},
		{
			ID: "exec-given", Title: "a build started an interpreter with prebuilt bytecode",
			Why:    "It is the bytecode that is executed: a Java archive is a program as a native one is.",
			How:    "The guest records the bytecode that a build opens, by which program, and how that was started with it: by -jar or the class path, or as its first argument.",
			Limits: "Bytecode that an interpreter opens and was not started with is not taken for executed: a compiler reads it too. Where the interpreter opened some, the verdict is unknown.",
			Remedy: "Bootstrap the tool from source.",
		},
		{
			ID: "exec-builder", Title: "the builder of a derivation is a prebuilt program",
			Why:    "Nix executes the builder: no record is needed to know that.",
			How:    "The builder that the derivation names is a compiled file of a fetch or of an input source, or a file that a package carries.",
			Limits: "A builder that is a link to another file of its package is not followed.",
			Remedy: "Bootstrap the builder from source.",
		},
		{
			ID: "exec-text", Title: "a build runs a prebuilt program, as its text says",
			Why:    "As exec-recorded, where there is no record or the record can't show it.",
			How:    "The text runs an input that holds prebuilt code.",
			Limits: "The text can name a program and not run it.",
			Remedy: "Bootstrap the tool from source.",
		},
		{
			ID: "exec-through", Title: "a build executed what prebuilt programs have made", Kind: audit.NativeCode,
			Why:    "A compiler that a prebuilt compiler has compiled does what that one made of it, and so on.",
			How:    "The record of the build has a program of another derivation that is built-by-binary or carries prebuilt code, or a file with the same bytes.",
			Limits: "Of what carries prebuilt code, the program executed need not be the prebuilt part. Nothing says that a program passes anything on.",
			Remedy: "Bootstrap the tool at the end of the way from source: that clears all that have the verdict by it.",
		},
		{
			ID: "trace-through", Title: "an output holds what prebuilt programs have made", Kind: audit.NativeCode,
			Why:    "Generated code is as trustworthy as its generator, wherever it is copied to.",
			How:    "Files or machine code of another derivation that is built-by-binary are in the outputs, and come from no fetch and from nothing that is source.",
			Limits: "Files of fewer than 64 bytes are not compared; objects as in trace-linked.",
			Remedy: "Generate it with a tool that is built from source.",
		},
		{
			ID: "text-through", Title: "it is built from the output of prebuilt programs", Kind: audit.NativeCode,
			Why:    "What is compiled from generated code is as trustworthy as the generator.",
			How:    "The derivation names the output of another one that is built-by-binary as its source or as a patch.",
			Limits: "Only part of that output need be generated.",
			Remedy: "Generate it with a tool that is built from source.",
		},
		{
			ID: "exec-none", Title: "a build executed nothing prebuilt but the seed",
			Why: "Then nothing in its outputs was generated by a prebuilt program, directly.",
			How: "Every program in the record of the build was looked up.",
		},
		{
			ID: "seed-by-name", Title: "what is called like a seed is not what the closure is built from", Kind: audit.NativeCode,
			Why:    "Anyone can call a download a seed.",
			How:    "Something that uses it depends on packages that were built without it; or less than half of what the closure builds is built from it, and it is not below a standard environment of its own either.",
			Limits: "In a closure of one package what it is built from is all that there is.",
			Remedy: "Build it from source.",
		},
		{
			ID: "seed-same", Title: "it is the bootstrap seed by its declared hash", Kind: audit.NativeCode,
			Why:    "The first thing that a minimal seed makes is itself, to show that it can.",
			How:    "A fixed-output derivation declares the same hash as one that is a seed.",
			Remedy: "None needed.",
		},
		{
			ID: "seed-reference", Title: "an output of the target refers to the bootstrap seed",
			Why:    "stdenv promises that the final closure does not need the seed.",
			How:    "The hash parts of the seed's store paths are looked for at every position of the bytes, in plain text and UTF-16.",
			Limits: "Compressed files are not looked into for this.",
			Remedy: "Remove the reference, as removeReferencesTo does.",
		},
		{
			ID: "seed-content", Title: "an output holds a file of the bootstrap seed",
			Why:    "stdenv promises that nothing of the seed is left in the end.",
			How:    "As trace-identical and trace-patched, with the seed's files.",
			Remedy: "Build the file with the final toolchain.",
		},
		{
			ID: "seed-generated", Title: "an output of the target was generated by the bootstrap seed",
			Why:    "stdenv promises that the final packages are built by the final compiler.",
			How:    "A compiler's ident in .comment is the seed's alone, or code of the seed's static libraries is linked in.",
			Limits: "Stripped idents; a seed of the same version and source as the final compiler.",
			Remedy: "Rebuild with the final toolchain.",
		},
		{
			ID: "rebuild", Title: "the derivation was built again",
			Why:    "Two builds that differ can't both be what the source says.",
			How:    "NAR hashes of the outputs are compared with the record.",
			Limits: "Prebuilt bytes repackaged are always the same: reproducing is no proof of source.",
		},
		{
			ID: "tampered-or-renamed", Title: "a derivation's path does not follow from its content",
			Why: "Nix names a derivation by a hash of its content.",
			How: "The path is computed anew.",
		},
	}
}
