/*
Fromsource says which derivations of a NixOS ISO, or of any Nix closure, are
not built from source: on what evidence, and whether that reaches the result.

	fromsource audit [TARGET]           build TARGET in a guest and audit it
	fromsource scan INPUT...            the same analysis on what exists already
	fromsource inspect PATH...          which compiled members a file carries
	fromsource rebuild AUDIT|DRV...     rebuild suspects and compare hashes
	fromsource verify ATTESTATION...    check attestations of rebuilds
	fromsource explain AUDIT DRV        why a derivation has its verdict
	fromsource diff OLD NEW             what changed between two audits
	fromsource gate AUDIT               fail on new binary dependencies
	fromsource report AUDIT             render an audit
	fromsource rules [ID]               the detection rules
	fromsource vm ...                   guest images

`fromsource help COMMAND` has each command's flags.

Results go to standard output or to files, everything else to standard error.
Progress is drawn on a terminal only; elsewhere it is plain lines.

# Exit codes

	0  the audit ran and the policy holds
	1  it could not run
	2  usage
	3  the policy fails: new binary dependencies; or, of rebuild and verify,
	   outputs that differ, that did not build, or that are not as attested
	4  incomplete: something could not be looked at, and --strict was asked
*/
package main
