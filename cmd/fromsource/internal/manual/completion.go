package manual

import (
	"fmt"
	"strings"
)

// ShellNames lists the shells that Completion knows.
func ShellNames() []string { return []string{"bash", "zsh", "fish"} }

// Completion is a completion script for a shell.
func Completion(shell string) (string, error) {
	switch shell {
	case "bash":
		return bash(), nil
	case "zsh":
		return zsh(), nil
	case "fish":
		return fish(), nil
	}
	return "", fmt.Errorf("no completion for shell %q: want one of %s", shell, strings.Join(ShellNames(), ", "))
}

func firstNames() []string {
	var out []string
	for _, c := range FirstWords() {
		out = append(out, c.Name)
	}
	return out
}

// bash completes by a function over the words typed so far; it uses nothing
// of the bash-completion package.
func bash() string {
	var b strings.Builder
	b.WriteString(`# bash completion of fromsource
_fromsource() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -* ]] && continue
    command=$word
    case $word in
`)
	for _, first := range FirstWords() {
		if subs := Subcommands(first.Name); len(subs) > 0 {
			fmt.Fprintf(&b, "    %s) if ((i + 1 < COMP_CWORD)); then command=\"%s ${COMP_WORDS[i+1]}\"; fi ;;\n", first.Name, first.Name)
		}
	}
	b.WriteString("    esac\n    break\n  done\n  case \"$command:$prev\" in\n")
	for _, c := range Commands() {
		for _, f := range c.Flags {
			if f.Value == "" {
				continue
			}
			pattern := fmt.Sprintf("%q:--%s", c.Name, f.Name)
			if f.Short != "" {
				pattern += fmt.Sprintf("|%q:-%s", c.Name, f.Short)
			}
			fmt.Fprintf(&b, "  %s) %s; return ;;\n", pattern, bashReply(f.Complete, f.Choices))
		}
	}
	b.WriteString("  esac\n  case \"$command\" in\n")
	fmt.Fprintf(&b, "  \"\") COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", strings.Join(firstNames(), " "))
	for _, first := range FirstWords() {
		if subs := Subcommands(first.Name); len(subs) > 0 {
			var words []string
			for _, s := range subs {
				_, second, _ := strings.Cut(s.Name, " ")
				words = append(words, second)
			}
			fmt.Fprintf(&b, "  %s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", first.Name, strings.Join(words, " "))
		}
	}
	for _, c := range Commands() {
		var flags []string
		for _, f := range c.Flags {
			flags = append(flags, "--"+f.Name)
		}
		fmt.Fprintf(&b, "  %q)\n    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W %q -- \"$cur\")); else %s; fi ;;\n",
			c.Name, strings.Join(flags, " "), bashReply(c.Complete, nil))
	}
	b.WriteString("  esac\n}\ncomplete -o filenames -F _fromsource fromsource\n")
	return b.String()
}

func bashReply(a Arg, choices []string) string {
	if len(choices) > 0 {
		return fmt.Sprintf("COMPREPLY=($(compgen -W %q -- \"$cur\"))", strings.Join(choices, " "))
	}
	switch a {
	case Files:
		return `mapfile -t COMPREPLY < <(compgen -f -- "$cur")`
	case Dirs:
		return `mapfile -t COMPREPLY < <(compgen -d -- "$cur")`
	case CommandNames:
		return bashReply(None, firstNames())
	case Shells:
		return bashReply(None, ShellNames())
	}
	return ":"
}

// zsh uses the completion system's _arguments.
func zsh() string {
	var b strings.Builder
	b.WriteString("#compdef fromsource\n# zsh completion of fromsource\n_fromsource() {\n  local curcontext=$curcontext state line\n  typeset -A opt_args\n")
	b.WriteString("  _arguments -C '1:command:->command' '*::argument:->argument'\n  case $state in\n  command)\n    local -a commands=(\n")
	for _, c := range FirstWords() {
		fmt.Fprintf(&b, "      %s\n", shellQuote(c.Name+":"+c.Short))
	}
	b.WriteString("    )\n    _describe -t commands command commands ;;\n  argument)\n    case $line[1] in\n")
	for _, first := range FirstWords() {
		fmt.Fprintf(&b, "    %s)\n", first.Name)
		if subs := Subcommands(first.Name); len(subs) > 0 {
			b.WriteString("      if ((CURRENT == 2)); then\n        local -a subcommands=(\n")
			for _, s := range subs {
				_, second, _ := strings.Cut(s.Name, " ")
				fmt.Fprintf(&b, "          %s\n", shellQuote(second+":"+s.Short))
			}
			b.WriteString("        )\n        _describe -t commands subcommand subcommands\n        return\n      fi\n      shift words\n      ((CURRENT--))\n      case $words[1] in\n")
			for _, s := range subs {
				_, second, _ := strings.Cut(s.Name, " ")
				fmt.Fprintf(&b, "      %s) _arguments%s ;;\n", second, zshArguments(s))
			}
			b.WriteString("      esac ;;\n")
			continue
		}
		fmt.Fprintf(&b, "      _arguments%s ;;\n", zshArguments(first))
	}
	b.WriteString("    esac ;;\n  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _fromsource \"$@\"; else compdef _fromsource fromsource; fi\n")
	return b.String()
}

func zshArguments(c Command) string {
	var b strings.Builder
	colon := strings.NewReplacer(":", `\:`, "[", `\[`, "]", `\]`)
	for _, f := range c.Flags {
		spec := "[" + colon.Replace(f.Text) + "]"
		if f.Value != "" {
			spec += ":" + strings.ToLower(f.Value) + ":" + zshAction(f.Complete, f.Choices)
			b.WriteString(" " + shellQuote("--"+f.Name+"="+spec))
		} else {
			b.WriteString(" " + shellQuote("--"+f.Name+spec))
		}
		if f.Short != "" {
			b.WriteString(" " + shellQuote("-"+f.Short+"+"+spec))
		}
	}
	if a := zshAction(c.Complete, nil); a != "" {
		b.WriteString(" " + shellQuote("*:argument:"+a))
	}
	return b.String()
}

func zshAction(a Arg, choices []string) string {
	if len(choices) > 0 {
		return "(" + strings.Join(choices, " ") + ")"
	}
	switch a {
	case Files:
		return "_files"
	case Dirs:
		return "_files -/"
	case CommandNames:
		return zshAction(None, firstNames())
	case Shells:
		return zshAction(None, ShellNames())
	}
	return ""
}

// fish is a list of conditional offers.
func fish() string {
	var b strings.Builder
	b.WriteString("# fish completion of fromsource\ncomplete -c fromsource -f\n")
	for _, c := range FirstWords() {
		fmt.Fprintf(&b, "complete -c fromsource -n __fish_use_subcommand -a %s -d %s\n", c.Name, shellQuote(c.Short))
	}
	for _, c := range Commands() {
		first, second, sub := strings.Cut(c.Name, " ")
		when := "__fish_seen_subcommand_from " + first
		if sub {
			var seconds []string
			for _, s := range Subcommands(first) {
				_, w, _ := strings.Cut(s.Name, " ")
				seconds = append(seconds, w)
			}
			fmt.Fprintf(&b, "complete -c fromsource -n %s -a %s -d %s\n",
				shellQuote(when+"; and not __fish_seen_subcommand_from "+strings.Join(seconds, " ")), second, shellQuote(c.Short))
			when += "; and __fish_seen_subcommand_from " + second
		}
		line := "complete -c fromsource -n " + shellQuote(when)
		for _, f := range c.Flags {
			fmt.Fprintf(&b, "%s -l %s", line, f.Name)
			if f.Short != "" {
				b.WriteString(" -s " + f.Short)
			}
			if f.Value != "" {
				b.WriteString(" -r" + fishArgument(f.Complete, f.Choices))
			}
			fmt.Fprintf(&b, " -d %s\n", shellQuote(f.Text))
		}
		if a := fishArgument(c.Complete, nil); a != "" {
			b.WriteString(line + a + "\n")
		}
	}
	return b.String()
}

func fishArgument(a Arg, choices []string) string {
	if len(choices) > 0 {
		return " -f -a " + shellQuote(strings.Join(choices, " "))
	}
	switch a {
	case Files:
		return " -F"
	case Dirs:
		return " -f -a '(__fish_complete_directories)'"
	case CommandNames:
		return fishArgument(None, firstNames())
	case Shells:
		return fishArgument(None, ShellNames())
	}
	return ""
}

// shellQuote quotes for zsh and fish. Our texts have no backslashes, which
// the two treat differently within single quotes.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
