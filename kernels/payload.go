package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	_ "embed"
)

// suite is the live tests of one package.
type suite struct {
	folder string   // of the package
	tests  []string // their names, sorted
}

// name is one that can stand in a file's name.
func (s *suite) name() string { return strings.ReplaceAll(s.folder, "/", "-") }

// payload is what is carried into every kernel: a root directory with the tests
// in /tests.
type payload struct {
	root   string
	suites []suite
	corpus bool
}

//go:embed guest/run
var guestRun []byte

// pack builds the programs and lays out the root directory.
func pack(ctx context.Context, work string, o *options) (*payload, error) {
	if runtime.GOARCH != "amd64" || runtime.GOOS != "linux" {
		return nil, fmt.Errorf("the kernels, and the programs carried to them, are those of linux/amd64, not %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	p := &payload{root: filepath.Join(work, "root"), corpus: o.corpus}
	if err := layOut(ctx, p.root); err != nil {
		return nil, fmt.Errorf("lay out the root directory: %w", err)
	}
	tests := filepath.Join(p.root, "tests")
	if err := os.Mkdir(tests, 0o755); err != nil {
		return nil, err
	}
	if err := goTool(ctx, "build", "-trimpath", "-o", filepath.Join(tests, "xnumon"), "./cmd/xnumon"); err != nil {
		return nil, err
	}
	if o.live {
		if err := p.packLive(ctx, tests, o); err != nil {
			return nil, err
		}
	}
	plan := ""
	for _, s := range p.suites {
		plan += fmt.Sprintf("%s ^(%s)$\n", s.name(), strings.Join(s.tests, "|"))
	}
	if err := os.WriteFile(filepath.Join(tests, "plan"), []byte(plan), 0o644); err != nil {
		return nil, err
	}
	if o.corpus {
		if err := packCorpus(ctx, filepath.Join(tests, "corpus"), o.cases); err != nil {
			return nil, err
		}
	}
	return p, os.WriteFile(filepath.Join(tests, "run"), guestRun, 0o755)
}

func (p *payload) packLive(ctx context.Context, tests string, o *options) error {
	suites, err := liveTests(".")
	if err != nil {
		return err
	}
	if suites, err = choose(suites, o.tests, o.run); err != nil {
		return err
	}
	p.suites = suites
	for _, s := range suites {
		// A test runs in its package's folder and finds its testdata there.
		dir := filepath.Join(tests, "live", s.name())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := goTool(ctx, "test", "-c", "-o", filepath.Join(dir, "live.test"), "./"+s.folder); err != nil {
			return err
		}
		data := filepath.Join(s.folder, "testdata")
		if _, err := os.Stat(data); err == nil {
			if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(data)); err != nil {
				return err
			}
		}
	}
	return nil
}

func packCorpus(ctx context.Context, dir, cases string) error {
	if err := goTool(ctx, "run", "./conformance", "build", dir); err != nil {
		return err
	}
	if err := goTool(ctx, "build", "-trimpath", "-o", filepath.Join(dir, "conformance"), "./conformance"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "patterns"), []byte(cases+"\n"), 0o644)
}

func goTool(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// liveTests finds every test that is written in a file named *_live_test.go. The
// files are read, and not the programs asked, so that a test that a build
// leaves out is missed when it does not report.
func liveTests(root string) ([]suite, error) {
	byFolder := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_live_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTest(f) {
				folder, err := filepath.Rel(root, filepath.Dir(path))
				if err != nil {
					return err
				}
				byFolder[folder] = append(byFolder[folder], f.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the live tests: %w", err)
	}
	var suites []suite
	for folder, tests := range byFolder {
		slices.Sort(tests)
		suites = append(suites, suite{folder: folder, tests: tests})
	}
	slices.SortFunc(suites, func(a, b suite) int { return strings.Compare(a.folder, b.folder) })
	return suites, nil
}

// choose returns the tests of packages whose folder contains a text and whose names
// match a regular expression.
func choose(suites []suite, folder, name string) (chosen []suite, err error) {
	matching, err := regexp.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	for _, s := range suites {
		s.tests = slices.DeleteFunc(slices.Clone(s.tests), func(test string) bool { return !matching.MatchString(test) })
		if strings.Contains(s.folder, folder) && len(s.tests) > 0 {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no live test of a package with %q in its folder matches %q", folder, name)
	}
	return chosen, nil
}

// isTest tells a test as go test does: TestXxx, where Xxx does not begin with a lower
// case letter. TestMain is none.
func isTest(f *ast.FuncDecl) bool {
	rest, ok := strings.CutPrefix(f.Name.Name, "Test")
	if !ok || f.Recv != nil || rest == "Main" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || !unicode.IsLower(first)
}
