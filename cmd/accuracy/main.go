// Accuracy measures the text rules against labels that people made: precision,
// recall, and every miss and false alarm by name. It is a tool for those who
// work on the rules; `make accuracy NIXPKGS=DIR LABELS=DIR` runs it. With
// --holdout it measures against the labels of one file, which are of another
// tree of nixpkgs: `make holdout NIXPKGS=DIR ERA=2016-06`. With --closure as
// well, those labels are of what a whole closure fetches.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/pflag"

	"fromsource/analyze/accuracy"
)

func main() {
	var p accuracy.Paths
	pflag.StringVar(&p.Nixpkgs, "nixpkgs", "", "a checkout of nixpkgs, 20.09 but for --holdout; without it the store must have the labelled derivations")
	pflag.StringVar(&p.Labels, "labels", "", "the folder of the label files")
	pflag.StringVar(&p.Store, "store", "/", "the root under which nix/store has, or gets, the derivations")
	pflag.StringVar(&p.Overlays, "overlays", "", "a folder of repositories of packages for that nixpkgs, where the labels of --holdout name files of them")
	holdout := pflag.String("holdout", "", "a file of labels of another nixpkgs, of which --nixpkgs is then a checkout")
	closed := pflag.String("closure", "", "the path of a derivation in the store, whose closure --holdout has labels of")
	pflag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if (p.Labels == "") == (*holdout == "") || *closed != "" && (*holdout == "" || p.Nixpkgs != "") || pflag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: accuracy --labels DIR | --holdout FILE [--nixpkgs DIR] [--overlays DIR] [--store ROOT]\n       accuracy --holdout FILE --closure DRV [--store ROOT]")
		os.Exit(2)
	}
	var err error
	switch {
	case *closed != "":
		err = accuracy.Closure(ctx, p, *closed, *holdout, os.Stdout)
	case *holdout != "":
		err = accuracy.Holdout(ctx, p, *holdout, os.Stdout, os.Stderr)
	default:
		err = accuracy.Run(ctx, p, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "accuracy: %v\n", err)
		os.Exit(1)
	}
}
