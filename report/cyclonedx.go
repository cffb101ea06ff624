package report

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

// CycloneDX writes a CycloneDX 1.6 bill of materials in JSON: a component a
// derivation, with its verdict, reach and store paths as properties, what it
// was made from as pedigree, and for findings the evidence. Edges are those of
// the derivation graph; the inputs of a fetch are needed only to fetch it and
// are left out.
//
// The serial number is derived from the audit, and there is no time stamp:
// the same audit gives the same bytes.
func CycloneDX(w io.Writer, a *audit.Audit, _ Options) error {
	set := finding.Of(a)
	components := make([]cdx.Component, 0, len(a.Derivations))
	dependencies := make([]cdx.Dependency, 0, len(a.Derivations)+1)
	refs := bomRefs(a)
	for i := range a.Derivations {
		components = append(components, cdxComponent(set, i, refs))
		dep := cdx.Dependency{Ref: refs[i]}
		if ins := set.Inputs(i); len(ins) > 0 && !set.At(i).FixedOutput {
			dep.Dependencies = bomList(refs, ins)
		}
		dependencies = append(dependencies, dep)
	}
	target := cdx.Component{BOMRef: "target", Type: cdx.ComponentTypeOS, Name: orTarget(a.Target.Name)}
	if a.Target.Image != nil && len(a.Target.Image.SHA256) == sha256.Size*2 {
		target.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: strings.ToLower(a.Target.Image.SHA256)}}
	}
	roots := cdx.Dependency{Ref: "target"}
	if r := set.Roots(); len(r) > 0 {
		roots.Dependencies = bomList(refs, r)
	}
	aggregate := cdx.CompositionAggregateComplete
	if blind(set) > 0 {
		aggregate = cdx.CompositionAggregateIncomplete
	}
	bom := cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", SpecVersion: cdx.SpecVersion1_6,
		BOMFormat: "CycloneDX", SerialNumber: serialNumber(a), Version: 1,
		Metadata: &cdx.Metadata{
			Component: &target,
			Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "fromsource", Version: safe.Visible(a.Tool.Version)}}},
			Properties: &[]cdx.Property{
				{Name: "fromsource:answer", Value: makeAnswer(set).headline.text()},
				{Name: "fromsource:reachBy", Value: orUnknown(safe.Visible(a.Target.ReachBy))},
			},
		},
		Components: &components, Dependencies: ptr(append([]cdx.Dependency{roots}, dependencies...)),
		Compositions: &[]cdx.Composition{{Aggregate: aggregate, Assemblies: &[]cdx.BOMReference{"target"}}},
	}
	bw := bufio.NewWriterSize(w, 1<<16)
	enc := cdx.NewBOMEncoder(bw, cdx.BOMFileFormatJSON)
	enc.SetEscapeHTML(false)
	// EncodeVersion would first copy the whole document through gob, which
	// takes ten times as long; we use nothing that 1.6 has not.
	if err := enc.Encode(&bom); err != nil {
		return fmt.Errorf("writing cyclonedx: %w", err)
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing cyclonedx: %w", err)
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

// serialNumber is a UUID of version 8 (RFC 9562) made of the hash of what the
// document says of each derivation.
func serialNumber(a *audit.Audit) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", a.Tool.Version, a.Target.Name)
	for i := range a.Derivations {
		d := &a.Derivations[i]
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d\x00%d\n", d.Drv, d.Verdict, d.Reach, len(d.Evidence), len(d.Rebuild))
		for _, o := range d.Outputs {
			_, _ = io.WriteString(h, o.NarHash) // never fails
		}
	}
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// bomRefs are unique in a file; derivation paths are, once what cannot be
// shown has been written out.
func bomRefs(a *audit.Audit) []string {
	refs := make([]string, len(a.Derivations))
	for i := range refs {
		refs[i] = "drv:" + safe.Visible(a.Derivations[i].Drv)
	}
	return refs
}

func bomList(refs []string, rows []int) *[]string {
	out := make([]string, len(rows))
	for k, i := range rows {
		out[k] = refs[i]
	}
	return &out
}

func cdxComponent(set *finding.Set, i int, refs []string) cdx.Component {
	d := set.At(i)
	name, version := splitName(safe.Visible(d.Name))
	c := cdx.Component{BOMRef: refs[i], Type: cdxType(d), Name: name, Version: version}
	if version != "" {
		c.PackageURL = "pkg:nix/" + url.PathEscape(name) + "@" + url.PathEscape(version)
	} else {
		c.PackageURL = "pkg:nix/" + url.PathEscape(name)
	}
	if d.Reach == audit.ReachRuntime {
		c.Scope = cdx.ScopeRequired
	} else if d.Reach == audit.ReachBuild {
		c.Scope = cdx.ScopeExcluded
	}
	props := []cdx.Property{
		{Name: "fromsource:verdict", Value: verdictWord(d.Verdict)},
		{Name: "fromsource:reach", Value: reachTitle(d.Reach)},
		{Name: "nix:drv_path", Value: safe.Visible(d.Drv)},
	}
	for _, o := range d.Outputs {
		props = append(props, cdx.Property{Name: "nix:output_path", Value: safe.Visible(o.Path)})
		if o.NarHash != "" {
			props = append(props, cdx.Property{Name: "nix:nar_hash:" + safe.Visible(o.Name), Value: safe.Visible(o.NarHash)})
		}
	}
	if d.Verdict != audit.Source {
		props = append(props, cdx.Property{Name: "fromsource:confidence", Value: safe.Visible(string(d.Confidence))},
			cdx.Property{Name: "fromsource:influence", Value: strconv.Itoa(d.Influence)})
		for _, k := range d.Kinds {
			props = append(props, cdx.Property{Name: "fromsource:kind", Value: safe.Visible(string(k))})
		}
		if d.Reason != "" {
			props = append(props, cdx.Property{Name: "fromsource:reason", Value: shown(d.Reason)})
		}
		for _, r := range d.Rebuild {
			props = append(props, cdx.Property{Name: "fromsource:rebuild:" + safe.Visible(r.Output), Value: resultWord(r.Result)})
		}
		c.Evidence = cdxEvidence(d)
		c.Pedigree = cdxPedigree(set, i)
	}
	c.Properties = &props
	c.ExternalReferences = cdxReferences(d)
	return c
}

// splitName parts a name from its version as Nix does: at the first dash that
// no letter follows.
func splitName(name string) (string, string) {
	for i := 1; i+1 < len(name); i++ {
		if c := name[i+1]; name[i] == '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return name[:i], name[i+1:]
		}
	}
	if name == "" {
		return "unnamed", ""
	}
	return name, ""
}

func cdxType(d *audit.Derivation) cdx.ComponentType {
	switch {
	case len(d.Kinds) == 1 && d.Kinds[0] == audit.Firmware:
		return cdx.ComponentTypeFirmware
	case d.FixedOutput:
		return cdx.ComponentTypeFile
	}
	return cdx.ComponentTypeLibrary
}

// cdxReferences are where it was fetched: a prebuilt thing's distribution, or
// a source distribution. What is no URL is left to the audit file.
func cdxReferences(d *audit.Derivation) *[]cdx.ExternalReference {
	var out []cdx.ExternalReference
	kind := cdx.ERTypeDistribution
	if d.Verdict == audit.Source {
		kind = cdx.ERTypeSourceDistribution
	}
	seen := map[string]bool{}
	for k, raw := range d.URLs {
		u, err := url.Parse(raw)
		if k == pageURLs {
			break
		}
		// The format asks for an IRI reference and for unique items.
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, "<>\"'`{}|\\^[] $%") || seen[u.String()] {
			continue
		}
		seen[u.String()] = true
		out = append(out, cdx.ExternalReference{Type: kind, URL: u.String()})
	}
	if len(out) == 0 {
		return nil
	}
	return &out
}

// cdxEvidence: the confidences of the audit as numbers, and each place where
// something was found.
func cdxEvidence(d *audit.Derivation) *cdx.Evidence {
	if len(d.Evidence) == 0 {
		return nil
	}
	confidence := map[audit.Confidence]float32{audit.High: 0.9, audit.Medium: 0.6, audit.Low: 0.3}[d.Confidence]
	id := cdx.EvidenceIdentity{Field: cdx.EvidenceIdentityFieldTypeName, Confidence: &confidence}
	var methods []cdx.EvidenceIdentityMethod
	var places []cdx.EvidenceOccurrence
	for k, e := range finding.Evidence(d) {
		if k == pageEvidence {
			break
		}
		technique, ok := map[audit.Level]cdx.EvidenceIdentityTechnique{
			audit.LevelDerivation: cdx.EvidenceIdentityTechniqueManifestAnalysis,
			audit.LevelContent:    cdx.EvidenceIdentityTechniqueBinaryAnalysis,
			audit.LevelTrace:      cdx.EvidenceIdentityTechniqueHashComparison,
		}[e.Level]
		if !ok {
			technique = cdx.EvidenceIdentityTechniqueOther
		}
		c := confidence
		methods = append(methods, cdx.EvidenceIdentityMethod{Technique: technique, Confidence: &c, Value: shown(e.Rule + ": " + e.Detail)})
		if e.At != "" && e.Level != audit.LevelDerivation {
			places = append(places, cdx.EvidenceOccurrence{Location: shown(e.At), AdditionalContext: shown(e.Rule)})
		}
	}
	id.Methods = &methods
	out := &cdx.Evidence{Identity: &cdx.EvidenceIdentityChoice{Identities: &[]cdx.EvidenceIdentity{id}}}
	if len(places) > 0 {
		out.Occurrences = &places
	}
	return out
}

// cdxPedigree names what a component's prebuilt bytes come from.
func cdxPedigree(set *finding.Set, i int) *cdx.Pedigree {
	from := set.Sources(i)
	if len(from) == 0 {
		return nil
	}
	var ancestors []cdx.Component
	for k, j := range from {
		if k == pageEvidence {
			break
		}
		d := set.At(j)
		name, version := splitName(safe.Visible(d.Name))
		ancestors = append(ancestors, cdx.Component{
			Type: cdxType(d), Name: name, Version: version, ExternalReferences: cdxReferences(d),
			Properties: &[]cdx.Property{{Name: "nix:drv_path", Value: safe.Visible(d.Drv)}},
		})
	}
	return &cdx.Pedigree{Ancestors: &ancestors, Notes: verdictTitle(set.At(i).Verdict)}
}
