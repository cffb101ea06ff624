package manual

// formats is the flag of a command that renders an audit.
func formats(usual string) Flag {
	return format("one of markdown, html, text, json, sarif, cyclonedx, dot, svg (default "+usual+")",
		"markdown", "html", "text", "json", "sarif", "cyclonedx", "dot", "svg")
}

// Flags that several commands share.
func format(text string, choices ...string) Flag {
	return Flag{Name: "format", Short: "f", Value: "FORMAT", Text: text, Choices: choices}
}

var (
	output  = Flag{Name: "output", Short: "o", Value: "FILE", Complete: Files, Text: "write there instead of standard output; the file appears only when it is complete"}
	strict  = Flag{Name: "strict", Text: "exit with 4 when something could not be looked at"}
	noCache = Flag{Name: "no-cache", Text: "neither use nor keep fingerprints of contents"}
	guest   = []Flag{
		{Name: "accel", Value: "HOW", Choices: []string{"kvm", "tcg"}, Text: "kvm or tcg; by default KVM where a probe guest runs with it"},
		{Name: "cpus", Value: "N", Text: "cores of the guest; by default those of the host"},
		{Name: "memory", Value: "MIB", Text: "memory of the guest in MiB"},
		{Name: "disk", Value: "GIB", Text: "size of the guest's disk in GiB; it grows as it fills"},
		{Name: "refresh", Text: "make the guest's image anew"},
	}
)

var withRecipe = with(guest, Flag{Name: "recipe", Value: "FILE", Complete: Files, Text: "a recipe of your own instead of TARGET"})

func with(flags []Flag, more ...Flag) []Flag { return append(append([]Flag{}, more...), flags...) }

// Commands lists every command in the order of the overview.
func Commands() []Command {
	return append(auditing(), append(policy(), rest()...)...)
}

func auditing() []Command {
	return []Command{
		{
			Name: "audit", Args: "[TARGET]", Short: "build a target's closure in a guest, without substitutes, and audit it",
			Long: []string{
				"TARGET is a recipe's name; without one it is demo, which needs nothing but this program. The closure is built in a QEMU guest, loaded, analyzed, and the suspects are rebuilt and compared.",
				"The folder of results gets audit.json, report.md, report.html and the log of the build.",
			},
			Flags: with(guest,
				Flag{Name: "recipe", Value: "FILE", Complete: Files, Text: "a recipe of your own instead of TARGET"},
				Flag{Name: "out", Value: "DIR", Complete: Dirs, Text: "the folder of results (default out)"},
				Flag{Name: "rebuild", Value: "WHAT", Choices: []string{"suspects", "all", "none"}, Text: "what is built again: suspects, all or none (default suspects)"},
				Flag{Name: "method", Value: "HOW", Choices: []string{"fresh", "check"}, Text: "fresh builds in an empty store, check is nix-store --check (default fresh)"},
				Flag{Name: "second-guest", Text: "build everything once more in a second fresh guest, and compare every hash"},
				formats("text"), output, strict, noCache),
			Examples: []Example{{"audit the embedded demo", "fromsource audit"}, {"audit a recipe with KVM", "fromsource audit --accel kvm --recipe iso.yaml --out results"}},
		},
		{
			Name: "scan", Args: "INPUT...", Short: "audit what exists already, without a guest", Complete: Files,
			Long: []string{
				"INPUT is a .drv file, a folder of them, a store root, the output of nix derivation show -r or nix-store --export, a binary cache, or a flake reference; - is standard input. A derivation may be named with its outputs, as x.drv!dev. With -A it is a file of Nix expressions, which your own Nix evaluates.",
				"Without contents at hand, what looks prebuilt is a suspicion, and everything else is unknown. Builder scripts, in which older packages have all their commands, are read where derivations lie in a store: JSON, exports and caches are judged without them.",
			},
			Flags: []Flag{
				{Name: "form", Value: "FORM", Text: "the form of the input, where it cannot be told"},
				{Name: "attr", Short: "A", Value: "ATTR", Text: "evaluate this attribute of the file"},
				{Name: "nix-arg", Value: "ARG", Text: "an argument for that evaluation; may be given several times"},
				{Name: "name", Value: "NAME", Text: "what reports call the target"},
				{Name: "contents", Value: "STORE", Complete: Files, Text: "where contents of store paths are: a store root, a cache, an export; may be given several times"},
				{Name: "no-contents", Text: "look at the text of derivations only"},
				{Name: "exec", Value: "FILE", Complete: Files, Text: "what builds executed, as the guest records it (exec.jsonl)"},
				{Name: "image", Value: "FILE", Complete: Files, Text: "the image that was made of the closure, to see what is in it"},
				{Name: "out", Value: "DIR", Complete: Dirs, Text: "a folder for audit.json, report.md and report.html"},
				formats("text"), output, strict, noCache,
			},
			Examples: []Example{
				{"the text of a closure", "fromsource scan --no-contents /nix/store/…-nixos.iso.drv"},
				{"an attribute, with what is in the store", "fromsource scan -A nixos.iso_minimal.x86_64-linux nixos/release-combined.nix --out results"},
			},
		},
		{
			Name: "inspect", Args: "PATH...", Short: "list the compiled members of files, archives and store paths", Complete: Files,
			Flags:    []Flag{format("text or json (default text)", "text", "json"), output, strict},
			Examples: []Example{{"look into an archive", "fromsource inspect source.tar.xz"}},
		},
		{
			Name: "rebuild", Args: "AUDIT [DRV...] | DRV...", Short: "build suspects again and compare hashes", Complete: Files,
			Long: []string{
				"AUDIT's suspects and their nearest consumers, or the named derivations, by path or by name in an AUDIT, are built again, and each output's hash is compared with the first build and with everything else that is on record. AUDIT is an audit's file, or the folder that fromsource audit has written it to.",
				"By default this machine's Nix builds; several machines are Nix's own remote builders: --option builders=…. With --in guest a fresh guest gets the whole closure of AUDIT's folder and builds the selected derivations again from it; with --in second-guest it gets derivations and sources alone, and builds everything that they need itself. A fetch that is built again shows only that its URL still serves the same bytes.",
				"In a fresh store both builds are there to be hashed, and hashes are compared here. With nix-store --check it is Nix's word that they are the same, which it does not give for content-addressed outputs: those are then not attempted, and each result says so.",
				"Results are kept as they come in rebuild.jsonl beside the audit. After ^C, which ends the builds in hand, or a guest that was lost, the same command does what is left. A second ^C ends the program at once.",
				"--vary changes the surroundings of builds on purpose: on this machine uptime, hostname, cores, kernel, build-dir and locale; in guests also clock, processors, memory, cpu and directory-order. Each output that comes out different is built again under fewer of them, until those that it depends on are found. A result says what builds could see: Nix's sandbox hides hostname and locale from them. Varied guests run beside the first one.",
				"kernel boots a guest with another kernel of the distribution, or with that of the package named by kernel=PACKAGE. On this machine, and as kernel=2.6 in guests too, builds are told another version only, by the personality UNAME26.",
				"Exit code 3 says that an output differs or failed to build, or that a cache's record can't be believed: it is not signed by a trusted key, or the cache does not serve those bytes.",
			},
			Flags: with(guest,
				Flag{Name: "in", Value: "WHERE", Choices: []string{"local", "guest", "second-guest"}, Text: "who builds: local, guest or second-guest (default local)"},
				Flag{Name: "recipe", Value: "FILE", Complete: Files, Text: "the recipe of AUDIT's guest, where it was one of your own"},
				Flag{Name: "strict", Text: "exit with 4 when something was not attempted, or a reference could not be asked"},
				Flag{Name: "all", Text: "build every derivation again, not the suspects alone"},
				Flag{Name: "method", Value: "HOW", Choices: []string{"auto", "fresh", "check"}, Text: "fresh builds in an empty store, check is nix-store --check, auto is fresh where it can be and else check (default auto)"},
				Flag{Name: "store", Value: "ROOT", Complete: Dirs, Text: "the root of a chroot store; by default the machine's own store"},
				Flag{Name: "jobs", Short: "j", Value: "N", Text: "how many derivations are built at once (default 1)"},
				Flag{Name: "option", Value: "NAME=VALUE", Text: "a setting for Nix; may be given several times"},
				Flag{Name: "cache", Value: "URL", Text: "a binary cache to compare with; may be given several times"},
				Flag{Name: "cache-timeout", Value: "SECONDS", Text: "how long a cache may give nothing before it counts as not to be asked (default 60)"},
				Flag{Name: "trusted-key", Value: "KEY", Text: "a public key that signs a cache; may be given several times"},
				Flag{Name: "published", Value: "FILE", Complete: Files, Text: "a published list of sha256 sums; may be given several times"},
				Flag{Name: "attestations", Value: "FILE", Complete: Files, Text: "a list of attestations as lila gives it; may be given several times"},
				Flag{Name: "lila", Value: "URL", Text: "a lila server to ask; may be given several times"},
				Flag{Name: "vary", Value: "LIST", Text: "what to vary, with commas between, or all; what breaks reproducibility is found by bisection"},
				Flag{Name: "journal", Value: "FILE", Complete: Files, Text: "keep results there as they come (default rebuild.jsonl beside AUDIT)"},
				Flag{Name: "diffoscope", Value: "DIR", Complete: Dirs, Text: "run diffoscope on outputs that differ; its pages go there"},
				Flag{Name: "output", Short: "o", Value: "FILE", Complete: Files, Text: "write the audit with the new results in it"},
				Flag{Name: "attest", Value: "FILE", Complete: Files, Text: "write signed attestations of the results"},
				Flag{Name: "key", Value: "FILE", Complete: Files, Text: "the secret key for them: Nix's own form, or ed25519 in PEM"}),
			Examples: []Example{
				{"suspects, against a cache", "fromsource rebuild out --cache https://cache.nixos.org"},
				{"independently, with the results in the audit", "fromsource rebuild out --in second-guest --all -o out/audit.json"},
				{"what breaks reproducibility", "fromsource rebuild out --in guest --vary clock,kernel,directory-order"},
			},
		},
		{
			Name: "explain", Args: "AUDIT DRV", Short: "why a derivation has its verdict, and the way to it", Complete: Files,
			Long:     []string{"DRV is a derivation's path, base name or name, the path of an output, what a report calls it, or a URL that it fetches. " + auditArg},
			Examples: []Example{{"one finding of an audit", "fromsource explain out/audit.json hello-bin-1.0"}},
		},
		{
			Name: "report", Args: "AUDIT", Short: "render an audit", Complete: Files,
			Long: []string{auditArg},
			Flags: []Flag{
				formats("markdown"), output,
				{Name: "focus", Value: "DRV", Text: "the derivation around which dot and svg draw"},
				{Name: "anchor", Value: "FILE", Complete: Files, Text: "the file of your repository to which sarif attaches its results"},
				{Name: "limit", Value: "BYTES", Text: "the largest size of markdown, which folds to fit: 32000 for Discourse, 65536 for a comment on GitHub (default 1024000)"},
			},
			Examples: []Example{
				{"for an announcement", "fromsource report out/audit.json > report.md"},
				{"for code scanning", "fromsource report out/audit.json --format sarif --anchor flake.nix -o fromsource.sarif"},
			},
		},
	}
}

// auditArg is what the commands take that only read an audit.
const auditArg = "AUDIT is an audit's file, the folder that fromsource audit has written it to, or - for standard input."

func policy() []Command {
	baseline := Flag{Name: "baseline", Value: "FILE", Complete: Files, Text: "the list of known findings"}
	return []Command{
		{
			Name: "gate", Args: "AUDIT", Short: "fail on a binary dependency that the baseline has not", Complete: Files,
			Long: []string{
				"A finding is new when nothing of its name, origin, kind and reach is in the baseline; a new version of a known one is not. Moving from build time to runtime is new.",
				auditArg,
				"Waivers are YAML, or TOML in a file that ends in .toml: for each a finding, reach, reason, owner, issue and until, and if you like origin, kind, verdict, covers and output. A waiver that has expired, that is not used, or that matches more findings than it covers is an error.",
				"The file has one key, waivers, with the list of them. A reason is one of bootstrap, firmware, no-source, build-cost, test-only, regression and false-positive; reach is the furthest that is excused: build, unknown or runtime; issue is a URL; finding is a name as the baseline has it, and may hold *.",
			},
			Flags: []Flag{
				baseline,
				{Name: "waivers", Value: "FILE", Complete: Files, Text: "findings that are excused for a while"},
				format("text, json or markdown (default text)", "text", "json", "markdown"), strict,
				{Name: "today", Value: "DATE", Text: "the day by which waivers expire, as 2006-01-02"},
			},
			Examples: []Example{{"in CI", "fromsource gate out/audit.json --baseline fromsource.baseline --waivers fromsource.waivers.yaml"}},
		},
		{
			Name: "baseline update", Args: "AUDIT", Short: "write an audit's findings as the new baseline", Complete: Files,
			Long:  []string{"Comments above lines that stay are kept. Without a file it goes to standard output. " + auditArg},
			Flags: []Flag{baseline},
		},
		{
			Name: "diff", Args: "OLD NEW", Short: "what changed between two audits", Complete: Files,
			Long:     []string{"OLD and NEW are audits' files or folders; one of them may be - for standard input."},
			Flags:    []Flag{format("markdown or json (default markdown)", "markdown", "json"), output},
			Examples: []Example{{"two releases", "fromsource diff 24.11.json 25.05.json > changes.md"}},
		},
		{
			Name: "labels", Args: "AUDIT", Short: "compare findings with meta.sourceProvenance", Complete: Files,
			Long: []string{
				auditArg + " A label is missing, wrong, superfluous or agreed. Labels come from the output of nix-eval-jobs --meta, or else from the text of a nixpkgs checkout, where packages are known by their names only.",
				"With a checkout, --format patch is a patch for git apply or patch -p1, with the evidence in comments. It changes what can be placed for sure in a meta that is written out; the rest is listed at its head with the reason. A predicate needs neither.",
			},
			Flags: []Flag{
				{Name: "jobs", Value: "FILE", Complete: Files, Text: "the output of nix-eval-jobs --meta"},
				{Name: "nixpkgs", Value: "DIR", Complete: Dirs, Text: "a nixpkgs checkout"},
				format("list, json, patch, or predicate for an allowNonSourcePredicate (default list)", "list", "json", "patch", "predicate"), output,
			},
			Examples: []Example{
				{"what nixpkgs has not labelled", "fromsource labels out/audit.json --nixpkgs ~/nixpkgs"},
				{"the same as a change of it", "fromsource labels out/audit.json --jobs jobs.jsonl --nixpkgs ~/nixpkgs --format patch -o labels.patch"},
			},
		},
	}
}

func rest() []Command {
	return []Command{
		{
			Name: "verify", Args: "ATTESTATION...", Short: "check attestations of rebuilds", Complete: Files,
			Long: []string{"Each is checked for its signature and form, and against the audit where one is given."},
			Flags: []Flag{
				{Name: "audit", Value: "FILE", Complete: Files, Text: "the audit whose outputs they are to be about"},
				{Name: "key", Value: "KEY", Complete: Files, Text: "a public key that is trusted, or its file; needed, may be given several times"},
			},
		},
		{
			Name: "rules", Args: "[ID]", Short: "list the detection rules, or show one",
		},
		{Name: "vm list", Short: "list the images of guests that are kept"},
		{Name: "vm prepare", Args: "[TARGET]", Short: "make a guest's image before it is needed", Flags: withRecipe},
		{Name: "vm show", Args: "[TARGET]", Short: "print the QEMU command line of a guest", Flags: withRecipe},
		{Name: "vm shell", Args: "[TARGET]", Short: "a shell in a guest", Flags: withRecipe},
		{Name: "vm remove", Args: "[IMAGE...]", Short: "remove images of guests; without names all of them"},
		{
			Name: "completion", Args: "SHELL", Short: "print a completion script for bash, zsh or fish", Complete: Shells,
			Examples: []Example{
				{"bash", "fromsource completion bash > ~/.local/share/bash-completion/completions/fromsource"},
				{"zsh, in a folder of $fpath", "fromsource completion zsh > _fromsource"},
				{"fish", "fromsource completion fish > ~/.config/fish/completions/fromsource.fish"},
			},
		},
		{Name: "man", Short: "print the manual page", Examples: []Example{{"read it", "fromsource man | man -l -"}}},
		{Name: "version", Short: "print the version"},
		{Name: "help", Args: "[COMMAND]", Short: "print help", Complete: CommandNames},
	}
}
