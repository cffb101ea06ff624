package analyze_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
)

// TestGiven: what a record of opened files says of bytecode.
func TestGiven(t *testing.T) {
	f := theHostileClosure(t)
	library := f.output("library.jar")
	large, err := hashOf(filepath.Join(scratch, "hostile/srcs/large.jar"))
	if err != nil {
		t.Fatal(err)
	}
	const java = "/build/jdk/bin/java"
	other := strings.Repeat("cd", 32)
	executed := trace.Exec{Path: java, SHA256: strings.Repeat("ef", 32)}
	opened := func(path, sum, by, as string) trace.Exec {
		return trace.Exec{Path: path, SHA256: sum, By: by, As: as}
	}
	for _, tc := range []struct {
		what    string
		build   string
		opened  []trace.Exec
		row     string
		verdict audit.Verdict
		says    string // its reason, or the rule of its evidence
	}{
		{"java opened nothing", "interpreted-1", nil, "interpreted-1", audit.Source, ""},
		{"java opened it", "interpreted-1", []trace.Exec{opened(library, "", java, "")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"java was started with it", "interpreted-1", []trace.Exec{opened(library, "", java, "-jar")}, "interpreted-1", audit.BuiltByBinary, "exec-given"},
		{"the fetch that java was started with", "interpreted-1", []trace.Exec{opened(library, "", java, "-jar")}, "library.jar", audit.Binary, "exec-given"},
		{"it was in the class path", "interpreted-1", []trace.Exec{opened(library, "", "/x/bin/.java-wrapped", "-classpath")}, "interpreted-1", audit.BuiltByBinary, "exec-given"},
		{"java was started with it as something else", "interpreted-1", []trace.Exec{opened(library, "", java, "--input")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"a compiler read it", "interpreted-1", []trace.Exec{opened(library, "", "/build/jdk/bin/javac", "-cp")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"a compiler executed it", "interpreted-1", []trace.Exec{opened(library, "", "/build/jdk/bin/javac", "-processorpath")}, "interpreted-1", audit.BuiltByBinary, "exec-given"},
		{"it was copied", "interpreted-1", []trace.Exec{opened(library, "", "/bin/cp", "argument")}, "interpreted-1", audit.Source, ""},
		{"java opened what may be a changed copy", "interpreted-1", []trace.Exec{opened("/build/x.jar", other, java, "-jar")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"java opened what could not be hashed", "interpreted-1", []trace.Exec{opened("/build/x.jar", "", java, "-jar")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"a program of another name opened it", "interpreted-1", []trace.Exec{opened(library, "", "/build/ide", "")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"java was started with what the build put into its output", "interpreted-1", []trace.Exec{opened(f.output("interpreted-1")+"/x.jar", "", java, "-jar")}, "interpreted-1", audit.Unknown, "may have been given it"},
		{"java opened what the closure has not", "interpreted-1", []trace.Exec{opened("/nix/store/"+strings.Repeat("0", 32)+"-x", "", java, "")}, "interpreted-1", audit.Unknown, "may have been given it"},

		{"an archive with a jar that nobody opened", "mixed-1", nil, "mixed.tar.gz", audit.Source, ""},
		{"java opened the jar of an archive", "mixed-1", []trace.Exec{opened("/build/mixed/tool.jar", large, java, "")}, "mixed.tar.gz", audit.Unknown, "may have been given"},
		{"java was started with the jar of an archive", "mixed-1", []trace.Exec{opened("/build/mixed/tool.jar", large, java, "-jar")}, "mixed-1", audit.BuiltByBinary, "exec-given"},
	} {
		req := f.request(t)
		req.Exec = append(slices.Clone(req.Exec), executed)
		req.Exec[len(req.Exec)-1].Drv = f.path(tc.build)
		for _, e := range tc.opened {
			e.Drv = f.path(tc.build)
			req.Exec = append(req.Exec, e)
		}
		for i := range req.Exec {
			req.Exec[i].Opens = true
		}
		d := row(t, run(t, req), tc.row)
		if d.Verdict != tc.verdict || !strings.Contains(d.Reason, tc.says) && !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Rule == tc.says }) {
			t.Errorf("%s: %s is %s (%s), want %s (%s); %+v", tc.what, tc.row, d.Verdict, d.Reason, tc.verdict, tc.says, d.Evidence)
		}
	}
}
