#!/bin/bash
# Builds OpenTofu from its Go module, once for each version, outside of the checkout; prints where it is.
# It needs a Go of this year on PATH, two processors and five to thirty minutes.
set -euo pipefail
VERSION=1.12.6
HCL=v2.20.2-0.20251021132045-587d123c2828 # OpenTofu's own branch of HCL, which its module file names by `replace`
place="${XDG_CACHE_HOME:-$HOME/.cache}/phoenix-tests/opentofu-$VERSION"
if [ ! -x "$place/tofu" ]; then
    command -v go >/dev/null || { echo "OpenTofu is built with Go, and there is no go on PATH" >&2; exit 1; }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$place"
    cd "$work"
    {
        go mod init tofu-of-tests
        go mod edit -replace "github.com/hashicorp/hcl/v2=github.com/opentofu/hcl/v2@$HCL"
        go get -tool "github.com/opentofu/opentofu/cmd/tofu@v$VERSION"
        go build -ldflags="-s -w -X github.com/opentofu/opentofu/version.dev=no" -o "$place/tofu.new" \
            github.com/opentofu/opentofu/cmd/tofu
    } >&2
    mv "$place/tofu.new" "$place/tofu"
fi
echo "$place/tofu"
