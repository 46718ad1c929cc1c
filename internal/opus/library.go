package opus

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/tetratelabs/wazero"
)

// Built by wasm/build.sh ("make opus"); wasm/COPYING is its licence.
//
//go:embed wasm/libopus.wasm
var wasm []byte

// machineCode is kept, so that a process makes it once.
var machineCode = wazero.NewCompilationCache()

// Library is libopus, compiled to machine code.
type Library struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// Compile makes a Library, which takes some tenths of a second for the first. It works on every system, but slowly where wazero has no compiler
// (others than amd64 with SSE 4.1, and arm64).
func Compile(ctx context.Context) (*Library, error) {
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(machineCode))
	module, err := runtime.CompileModule(ctx, wasm)
	if err != nil {
		_ = runtime.Close(ctx)
		return nil, fmt.Errorf("compile libopus: %w", err)
	}
	return &Library{runtime: runtime, compiled: module}, nil
}

// Close ends the library, and all its instances. None of them may be in use.
func (l *Library) Close() error { return l.runtime.Close(context.Background()) }
