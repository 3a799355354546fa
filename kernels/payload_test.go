package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLiveTests(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"b/x_live_test.go":          "package b\nfunc TestMain(m *testing.M) {}\nfunc TestLiveTwo(t *testing.T) {}\nfunc TestLiveOne(t *testing.T) {}\nfunc Testify(t *testing.T) {}\nfunc helper() {}\n",
		"b/y_live_test.go":          "package b_test\nfunc TestÄ(t *testing.T) {}\nfunc (s suite) TestMethod(t *testing.T) {}\n",
		"b/z_test.go":               "package b\nfunc TestUnit(t *testing.T) {}\n",
		"a/c/x_live_test.go":        "//go:build linux\n\npackage c\nfunc Test(t *testing.T) {}\n",
		"a/testdata/x_live_test.go": "package d\nfunc TestLiveData(t *testing.T) {}\n",
		".hidden/x_live_test.go":    "package d\nfunc TestLiveHidden(t *testing.T) {}\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := liveTests(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []suite{
		{folder: "a/c", tests: []string{"Test"}},
		{folder: "b", tests: []string{"TestLiveOne", "TestLiveTwo", "TestÄ"}},
	}
	same := func(a, b suite) bool { return a.folder == b.folder && slices.Equal(a.tests, b.tests) }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%+v", got)
	}
	if got[0].name() != "a-c" {
		t.Errorf("name %q", got[0].name())
	}
}

func TestChoose(t *testing.T) {
	all := []suite{{folder: "a/c", tests: []string{"TestOne", "TestTwo"}}, {folder: "b", tests: []string{"TestOne"}}}
	for _, c := range []struct {
		folder, name string
		want         []suite // none when there is an error
	}{
		{"", "", all},
		{"a", "", all[:1]},
		{"", "One$", []suite{{folder: "a/c", tests: []string{"TestOne"}}, {folder: "b", tests: []string{"TestOne"}}}},
		{"", "Two", []suite{{folder: "a/c", tests: []string{"TestTwo"}}}},
		{"b", "Two", nil},
		{"", "(", nil},
	} {
		got, err := choose(all, c.folder, c.name)
		same := func(a, b suite) bool { return a.folder == b.folder && slices.Equal(a.tests, b.tests) }
		if (err != nil) != (c.want == nil) || !slices.EqualFunc(got, c.want, same) {
			t.Errorf("%q, %q: %v, %v", c.folder, c.name, got, err)
		}
	}
}
