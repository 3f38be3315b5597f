//go:build tools

// Package cli names the one command that this module exists to build, so that `go mod tidy` keeps its
// requirements and sums.
package cli

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
