// Package schema holds the published JSON Schema of the files that fromsource
// writes, so that others can check and generate readers for them.
package schema

import _ "embed"

// Audit is the schema of audit.json, fromsource/audit/v1 (JSON Schema
// 2020-12). It allows keys that it does not name: a version of the format may
// grow.
//
//go:embed audit-v1.schema.json
var Audit []byte
