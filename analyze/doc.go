// Package analyze runs an audit: it puts the stages in order (text rules,
// content, trace, rebuild), gives every derivation its verdict with the
// evidence for it, and explains one. It parses no format itself.
//
// # How a fixed-output derivation gets its verdict
//
// In this order:
//
//  1. The text says that it is the bootstrap seed, and it is at the bottom of
//     the closure: seed.
//  2. Its contents were not at hand: binary if the text suspects it (evidence
//     of level derivation), unknown otherwise.
//  3. A compiled member of it was found in an output, or was executed by a
//     build, or the fetch itself is part of the target: binary. One such
//     member is enough, whatever else the archive holds.
//  4. It is mainly compiled code, used or not: binary. That is: at least half
//     of the bytes of its files are compiled, and it does not have twice as
//     many text files as compiled ones, unless the text suspects it as well.
//     A suspected fetch that is mostly data of no known format is binary too,
//     with low confidence.
//  5. It has compiled members that none of its consumers' outputs hold and no
//     build executed: source, with the members listed as evidence. If any of
//     that could not be followed to its end (an output not at hand, a part
//     that could not be read): binary if suspected, else unknown.
//  6. Part of it could not be looked at: unknown, or binary if suspected.
//  7. Otherwise: source.
//
// # How a built derivation gets its verdict
//
//  1. The text says that it is or only unpacks the seed, or all compiled code
//     in its outputs comes from the seed: seed.
//  2. A file in its outputs comes from a prebuilt member of something it
//     depends on (identical, patched, or a prebuilt object linked in:
//     [trace]), or leads to one that was fetched: carries-binary. A file of the seed among others counts as
//     well; code of the seed that was linked in only breaks a promise.
//  3. Its build executed a prebuilt file that is not the seed's: one of a
//     fetch, of an input source, or one that a package carries; its builder is
//     always executed. Or the text
//     says that it runs a fetch that is binary. Or it inherits from a
//     derivation that was built so, at any remove: its build executed a
//     program of that, or its outputs hold a file of it, have objects of it
//     linked in, or are built from it as their source: built-by-binary. A
//     reference alone is no inheritance, and what a package carries and its
//     programs can't load or start (firmware, code for other systems, bytecode
//     that they do not interpret) is none to who executes those.
//  4. Its outputs were not at hand: carries-binary if the text suspects it,
//     unknown otherwise.
//  5. Anything between it and certainty makes it unknown, with the reason: a
//     part of an output or of a direct input that could not be read, a direct
//     input that was not at hand, one that was changed after its path was
//     made; where no record tells, a direct input that is prebuilt and could
//     have been executed, that refers to such, or that holds a program for
//     the machine; where one does, an unidentified program beside prebuilt
//     code, an interpreter beside prebuilt bytecode, a dynamic loader or an
//     emulator beside prebuilt programs and libraries, a program of which
//     nothing is at hand, or one that refers to prebuilt libraries; beside a
//     source archive that holds something compiled outside its tests, an
//     interpreter, emulator or flag that could take that in, or an unidentified
//     program where that is a program or what a compiler ships itself as (no
//     record: a program or library for the machine, or the latter); a program
//     executed, a file held, or a source of something that is itself unknown;
//     an input that prebuilt programs made and that holds what could have been
//     compiled into it; a program that shares most of its code with a prebuilt
//     one, or that a text among the inputs or a value of the derivation could
//     have carried, or an input of no known format; an output that could hide a
//     prebuilt input; firmware among the inputs that no output is seen to hold;
//     a prebuilt object, not among tests, that is too small to be seen once it
//     is linked, or of which a linker can take parts, or beside an image for a
//     device; a program that is equal to a prebuilt one of
//     which it knows nothing; a link to what the closure has not; an image
//     that holds more than the closure makes; or a suspicion by its text where
//     its build had prebuilt files at hand and its outputs hold anything that is
//     not text. Each doubt is a piece of evidence. One is not passed on to who
//     executes it: that samples for tests in its source can't be looked at.
//  6. Otherwise: source. With a record of what the build executed the
//     confidence is high, without one medium at best; it is low where the
//     build had prebuilt objects at hand that are too small, or of a format
//     that trace can't tell once it is linked into something else.
//
// A wrong "source" is the worst error, so every doubt goes the other way.
//
// # Reach and influence
//
// Reach is by the content of the image where a root's output is one (or the
// request has one): what store paths and what compiled files are in it, and
// what the roots refer to beside it. Otherwise it is by references, followed
// from the roots' outputs, and by what is in their archives. Influence
// counts the derivations of the runtime closure that depend on a row along
// inputs, not through what only fetches; where reach is unknown, those of the
// whole closure: the most that it can be.
package analyze
