package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

// workflow is what we use of GitHub's and Forgejo's files.
type workflow struct {
	Env  map[string]string
	Jobs map[string]struct {
		Container struct{ Image string }
		Steps     []step
	}
}

type step struct {
	Name, Uses, Run, If string
	With                map[string]string
}

// job is one run of an example: its steps as the service would run them, one
// after the other, in the folder of the project.
type job struct {
	host    *host
	project string
	temp    string
	env     []string
	log     strings.Builder
	failed  string // the step that failed
	code    int
}

// outcome runs the job of an example anew, with a temporary folder of its own.
func (h *host) outcome(t *testing.T, file, project string, run func(*testing.T, *job)) *job {
	t.Helper()
	temp, err := os.MkdirTemp(h.dir, "job")
	h.must(t, err)
	j := &job{host: h, project: project, temp: temp}
	h.must(t, os.MkdirAll(filepath.Join(temp, "home"), 0o755))
	h.must(t, os.RemoveAll(filepath.Join(project, "results")))
	j.env = []string{"HOME=" + temp + "/home", "XDG_CACHE_HOME=" + temp + "/home/.cache"}
	run(t, j)
	t.Logf("%s:\n%s", file, j.log.String())
	return j
}

// shell runs a script as the service does; its failure fails the job.
func (j *job) shell(t *testing.T, name string, argv ...string) {
	t.Helper()
	out, code := j.host.run(t, j.project, j.env, argv[0], argv[1:]...)
	fmt.Fprintf(&j.log, "--- %s: exit code %d\n%s", name, code, out)
	if code != 0 && j.failed == "" {
		j.failed, j.code = name, code
	}
}

// runWorkflow does what a runner of GitHub or Forgejo does with a file.
func runWorkflow(text string, shell ...string) func(*testing.T, *job) {
	return func(t *testing.T, j *job) {
		t.Helper()
		var w workflow
		j.host.must(t, yaml.Unmarshal([]byte(text), &w))
		files := map[string]string{}
		for _, name := range []string{"GITHUB_PATH", "GITHUB_STEP_SUMMARY"} {
			files[name] = filepath.Join(j.temp, name)
			j.host.must(t, os.WriteFile(files[name], nil, 0o644))
			j.env = append(j.env, name+"="+files[name])
		}
		j.env = append(j.env, "RUNNER_TEMP="+j.temp, "GITHUB_WORKSPACE="+j.project, "CI=true")
		for k, v := range w.Env {
			j.env = append(j.env, k+"="+v)
		}
		if len(w.Jobs) != 1 {
			t.Fatalf("%d jobs", len(w.Jobs))
		}
		for _, job := range w.Jobs {
			for _, s := range job.Steps {
				if !j.wanted(t, s.If) {
					continue
				}
				if s.Uses != "" {
					j.use(t, s)
					continue
				}
				script := filepath.Join(j.temp, "script")
				j.host.must(t, os.WriteFile(script, []byte(s.Run), 0o644))
				j.shell(t, s.Name, append(shell, script)...)
				added, err := os.ReadFile(files["GITHUB_PATH"])
				j.host.must(t, err)
				for dir := range strings.SplitSeq(strings.TrimSpace(string(added)), "\n") {
					if dir != "" {
						j.env = append(j.env, "PATH="+dir+":"+pathOf(append(j.host.env, j.env...)))
					}
				}
				j.host.must(t, os.WriteFile(files["GITHUB_PATH"], nil, 0o644))
			}
		}
		if j.failed == "" || j.failed == "Gate" {
			if summary, err := os.ReadFile(files["GITHUB_STEP_SUMMARY"]); err != nil ||
				strings.Contains(text, "GITHUB_STEP_SUMMARY") && !strings.Contains(string(summary), "built from source?") {
				t.Errorf("the step summary is %q, %v", summary, err)
			}
		}
	}
}

func pathOf(env []string) string {
	path := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	return path
}

// wanted evaluates the conditions that our examples use.
func (j *job) wanted(t *testing.T, cond string) bool {
	t.Helper()
	if cond == "" {
		return j.failed == ""
	}
	rest, ok := strings.CutPrefix(cond, "always()")
	if !ok {
		t.Fatalf("a condition that this test does not know: %q", cond)
	}
	if m := regexp.MustCompile(`^ && hashFiles\('([^']+)'\) != ''$`).FindStringSubmatch(rest); m != nil {
		_, err := os.Stat(filepath.Join(j.project, m[1]))
		return err == nil
	} else if rest != "" {
		t.Fatalf("a condition that this test does not know: %q", cond)
	}
	return true
}

// use stands in for an action: what it would bring is on this machine, what
// it would upload must be there.
func (j *job) use(t *testing.T, s step) {
	t.Helper()
	fmt.Fprintf(&j.log, "--- uses %s\n", s.Uses)
	action, version, _ := strings.Cut(s.Uses, "@")
	if !regexp.MustCompile(`^v[0-9]+$`).MatchString(version) {
		t.Errorf("%s has no version", s.Uses)
	}
	switch action = strings.TrimPrefix(action, "https://code.forgejo.org/"); action {
	case "actions/checkout": // the project is a checkout
	case "actions/setup-go":
		data, err := os.ReadFile("../../go.mod")
		j.host.must(t, err)
		if v := s.With["go-version"]; !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(v) + `(\.|$)`).Match(data) {
			t.Errorf("the example asks for Go %s, go.mod for another", v)
		}
	case "cachix/install-nix-action":
		lookPath(t, "nix-instantiate")
	case "github/codeql-action/upload-sarif":
		var log struct {
			Version string
			Runs    []struct{ Results []any }
		}
		data, err := os.ReadFile(filepath.Join(j.project, s.With["sarif_file"]))
		j.host.must(t, err)
		if err := json.Unmarshal(data, &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) == 0 {
			t.Errorf("what is uploaded for code scanning: %v, %+v", err, log)
		}
	case "actions/upload-artifact", "forgejo/upload-artifact":
		if j.failed != "" && j.failed != "Gate" {
			return
		}
		for _, name := range []string{"audit.json", "report.md", "report.html"} {
			if _, err := os.Stat(filepath.Join(j.project, s.With["path"], name)); err != nil {
				t.Errorf("the artifact lacks %s", name)
			}
		}
	default:
		t.Errorf("an action that this test does not know: %s", s.Uses)
	}
}

// runGitLab does what a runner of GitLab does with a job: both scripts in one
// shell, with the job's variables.
func runGitLab(text string) func(*testing.T, *job) {
	return func(t *testing.T, j *job) {
		t.Helper()
		var f map[string]struct {
			Variables    map[string]string
			BeforeScript []string `yaml:"before_script"`
			Script       []string
			Artifacts    struct {
				When  string
				Paths []string
			}
		}
		j.host.must(t, yaml.Unmarshal([]byte(text), &f))
		g, ok := f["fromsource"]
		if !ok || len(f) != 1 {
			t.Fatalf("jobs: %v", f)
		}
		for k, v := range g.Variables {
			j.env = append(j.env, k+"="+v)
		}
		j.env = append(j.env, "CI=true")
		script := "set -eo pipefail\n" + strings.Join(append(g.BeforeScript, g.Script...), "\n") + "\n"
		j.shell(t, "Gate", "bash", "-c", script)
		for _, p := range g.Artifacts.Paths {
			if _, err := os.Stat(filepath.Join(j.project, p, "audit.json")); err != nil || g.Artifacts.When != "always" {
				t.Errorf("artifacts: %v", err)
			}
		}
	}
}

// Each example is run as it is written but for the address of the clone: after
// the commands of our README it passes; with a new binary dependency its gate
// fails with exit code 3 and names it; waived, it passes again.
func TestJobs(t *testing.T) {
	h := newHost(t)
	// Forgejo's example installs Nix. It is here, under the name asked for.
	h.write(t, "bin/apt-get", "#!/bin/sh\n[ \"$1\" = update ] || exec dpkg-query -W \"$(for last; do :; done; echo \"$last\")\"\n")
	h.must(t, os.Chmod(filepath.Join(h.dir, "bin/apt-get"), 0o755))
	h.firstBuild(t)
	for _, c := range []struct {
		file string
		run  func(*testing.T, *job)
	}{
		{"github.yml", runWorkflow(h.example(t, "github.yml"), "bash", "-e")},
		{"gitlab-ci.yml", runGitLab(h.example(t, "gitlab-ci.yml"))},
		{"forgejo.yml", runWorkflow(h.example(t, "forgejo.yml"), "sh", "-e")},
	} {
		t.Run(c.file, func(t *testing.T) {
			dir := h.project(t, "project-"+strings.TrimSuffix(c.file, ".yml"))
			out, code := h.run(t, dir, []string{"PATH=" + h.dir + "/home/bin:" + pathOf(h.env)}, "bash", "-ec", readmeBlock(t, "sh"))
			if code != 0 {
				t.Fatalf("the commands of README.md: exit code %d\n%s", code, out)
			}
			h.must(t, os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("results\n"), 0o644))
			h.commit(t, dir)

			if j := h.outcome(t, c.file, dir, c.run); j.failed != "" || !strings.Contains(j.log.String(), "pass: ") {
				t.Fatalf("a job without news fails in %q with exit code %d", j.failed, j.code)
			}
			h.addBinary(t, dir)
			j := h.outcome(t, c.file, dir, c.run)
			if j.failed != "Gate" || j.code != 3 || !strings.Contains(j.log.String(), `new: "agent-1.0-linux-amd64.tar.gz"`) {
				t.Fatalf("a new dependency: the job fails in %q with exit code %d", j.failed, j.code)
			}
			waiver := strings.NewReplacer("finding: hello-bin ", "finding: agent-linux-amd64.tar.gz ", "reach: build ", "reach: unknown ").Replace(readmeBlock(t, "yaml"))
			h.must(t, os.WriteFile(filepath.Join(dir, "fromsource.waivers.yaml"), []byte(forever(waiver)), 0o644))
			h.commit(t, dir)
			if j := h.outcome(t, c.file, dir, c.run); j.failed != "" || !strings.Contains(j.log.String(), "waived: ") {
				t.Fatalf("waived, the job fails in %q with exit code %d", j.failed, j.code)
			}
		})
	}
}

// forever moves a waiver's last day, so that this test does not expire.
func forever(waiver string) string {
	return regexp.MustCompile(`until: \d{4}`).ReplaceAllString(waiver, "until: 9999")
}

// firstBuild puts the program where a user who follows our README has it.
func (h *host) firstBuild(t *testing.T) {
	t.Helper()
	if out, code := h.run(t, h.clone, []string{"CGO_ENABLED=0"}, "go", "build", "-o", h.dir+"/home/bin/fromsource", "./cmd/fromsource"); code != 0 {
		t.Fatalf("building the clone: %s", out)
	}
}

// readmeBlock is the first code block of a language in README.md.
func readmeBlock(t *testing.T, language string) string {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(data), "```"+language+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatalf("README.md has no block of %s", language)
	}
	return block
}

// Every value that a user must change is marked, and there are no others.
func TestPlaceholders(t *testing.T) {
	for _, name := range []string{"github.yml", "gitlab-ci.yml", "forgejo.yml", "flake.nix", "hydra.nix"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		marked := 0
		for line := range strings.SplitSeq(string(data), "\n") {
			if strings.Contains(line, "CHANGE ME") {
				marked++
			} else if strings.Contains(line, "example.org") {
				t.Errorf("%s: %q is not marked", name, line)
			}
		}
		if want := map[string]int{"hydra.nix": 1}[name]; marked != max(want, 1) && marked != 2 {
			t.Errorf("%s: %d values are marked", name, marked)
		}
	}
}
