# make audit   the whole audit of the embedded demo, in a guest; result in out/
# make test    everything that CI runs
GO := .ci/go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT := mvdan.cc/gofumpt@v0.12.0
FUZZTIME ?= 20s
# The packages whose tests take longest: they begin first, and the others run
# beside them.
LONG := ./cmd/fromsource ./vm
# The folder of label files that `make accuracy` measures against.
LABELS ?= ../shared/labels
export CGO_ENABLED ?= 0
# Tests mount file systems, watch what is executed and have Nix build in stores
# of their own, which a plain user may not.
AS_ROOT := $(shell [ "$$(id -u)" -eq 0 ] || echo sudo -H -E)

.PHONY: audit test unit bench lint fuzz build clean golden

audit:
	.ci/prepare audit
	$(MAKE) build
	bin/fromsource audit --second-guest --out out

# The program is static: it is also the guest's init.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/fromsource ./cmd/fromsource

test:
	.ci/prepare test
	$(MAKE) lint
	$(AS_ROOT) env CGO_ENABLED=1 $(GO) test -race -timeout 35m $(LONG) ./...

bench:
	.ci/prepare test
	$(GO) test -run '^$$' -bench . -benchtime 3x ./...

lint:
	$(GO) vet ./... ./testdata/demo
	$(GO) run $(STATICCHECK) ./... ./testdata/demo
	@out=$$($(GO) run $(GOFUMPT) -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofumpt-clean:"; echo "$$out"; exit 1; fi

# Each fuzz target in turn, for FUZZTIME.
fuzz:
	@for f in $$(git grep -lE '^func Fuzz' -- '*_test.go'); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "$$f $$t"; $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
	  done; done

# The reports of the demo that tests compare with, and the run in README.md,
# after a change of what the audit says.
golden:
	$(MAKE) audit
	cp out/audit.json report/testdata/audit.json
	$(GO) test ./report -update

clean:
	rm -rf bin out

# How well the text rules do, against labels: NIXPKGS is a checkout of nixpkgs
# 20.09, LABELS the folder of label files.
.PHONY: accuracy
accuracy:
	.ci/prepare test
	@test -d '$(NIXPKGS)' || { echo "usage: make accuracy NIXPKGS=DIR [LABELS=DIR]" >&2; exit 2; }
	store=$$(mktemp -d); $(GO) run ./cmd/accuracy --nixpkgs '$(NIXPKGS)' --labels '$(LABELS)' --store "$$store"; code=$$?; rm -rf "$$store"; exit $$code

# Labels of other eras' packages than those that `make accuracy` measures
# against: ERA is the name of a file in analyze/accuracy/holdout.
.PHONY: holdout
holdout:
	.ci/prepare test
	@test -d '$(NIXPKGS)' -a -f 'analyze/accuracy/holdout/$(ERA).tsv' || { echo "usage: make holdout NIXPKGS=DIR ERA=NAME [OVERLAYS=DIR]" >&2; exit 2; }
	store=$$(mktemp -d); $(GO) run ./cmd/accuracy --nixpkgs '$(NIXPKGS)' --holdout 'analyze/accuracy/holdout/$(ERA).tsv' $(if $(OVERLAYS),--overlays '$(OVERLAYS)') --store "$$store"; code=$$?; rm -rf "$$store"; exit $$code
