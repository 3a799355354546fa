package suppress

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPathRules(t *testing.T) {
	for _, c := range []struct {
		rule        string
		matches     []string
		matchesNone []string
	}{
		{"/usr/bin/id", []string{"/usr/bin/id"}, []string{"/usr/bin/ids", "/usr/bin", "usr/bin/id", "/x/usr/bin/id", ""}},
		{"/a/*", []string{"/a/b", "/a/.b", "/a/b c"}, []string{"/a", "/a/b/c", "/ab"}},
		{"/a/x*y", []string{"/a/xy", "/a/x1y", "/a/xyy"}, []string{"/a/x", "/a/xyz", "/a/x/y"}},
		{"/a/**", []string{"/a/b", "/a/b/c", "/a/b/c/d"}, []string{"/a", "/ab/c", "/"}},
		{"/**", []string{"/a", "/a/b"}, []string{"", "a"}},
		{"/a/**/z", []string{"/a/z", "/a/b/z", "/a/b/c/z"}, []string{"/az", "/a/bz", "/a/z/y", "/z"}},
		{"/**/z", []string{"/z", "/a/z", "/a/b/z"}, []string{"/az", "z"}},
		{"/a/**/**/z", []string{"/a/z", "/a/b/z"}, []string{"/a"}},
		{"/a/?", []string{"/a/b", "/a/é", "/a/\xff"}, []string{"/a/", "/a/bc", "/a//", "/a/\xc3\xa9\xff"}},
		{"/a/[b-d_]x", []string{"/a/bx", "/a/dx", "/a/_x"}, []string{"/a/ax", "/a/x", "/a/-x"}},
		{"/a/[!b]", []string{"/a/a", "/a/\xff"}, []string{"/a/b", "/a//", "/a/"}},
		{"/a/[^b]", []string{"/a/^", "/a/c"}, []string{"/a/b"}},
		{"/a/[+-9]b", []string{"/a/+b", "/a/.b", "/a/0b", "/a/9b"}, []string{"/a//b"}},
		{"/a/[!+-9]b", []string{"/a/xb"}, []string{"/a//b", "/a/0b"}},
		{`/a/\[x\]`, []string{"/a/[x]"}, []string{"/a/x"}},
		{`/a/[\]-]`, []string{"/a/]", "/a/-"}, []string{`/a/\`}},
		{"/a/{b,cd,e*}.x", []string{"/a/b.x", "/a/cd.x", "/a/e.x", "/a/ef.x"}, []string{"/a/.x", "/a/b,cd.x", "/a/c.x"}},
		{"/a/{,b}", []string{"/a/b"}, []string{"/a"}},
		{`/a/\*`, []string{"/a/*"}, []string{"/a/b", `/a/\*`}},
		{`/a/b,c\{`, []string{"/a/b,c{"}, nil},
		{"/a.b/c+d/*", []string{"/a.b/c+d/e"}, []string{"/axb/c+d/e", "/a.b/ccd/e"}},
		{"/a/*\n", []string{"/a/b\n", "/a/\n\n"}, []string{"/a/b"}},
		{"/é*", []string{"/é", "/éa"}, []string{"/e", "/\xc3", "/\xc3\xa8"}},
	} {
		p, err := ParsePath(c.rule)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		for _, path := range c.matches {
			if !p.Match(path) {
				t.Errorf("%s does not match %q", c.rule, path)
			}
		}
		for _, path := range c.matchesNone {
			if p.Match(path) {
				t.Errorf("%s matches %q", c.rule, path)
			}
		}
	}
}

func TestPathRuleMistakes(t *testing.T) {
	for rule, says := range map[string]string{
		"":                               "is empty",
		"id":                             "not an absolute path",
		"**/id":                          "not an absolute path",
		"/":                              "ends in a slash",
		"/usr/bin/":                      "/usr/bin/** for everything",
		"/usr//bin":                      "write /usr/bin",
		"/usr/./bin":                     "write /usr/bin",
		"/usr/lib/../bin":                "write /usr/bin",
		"/a/b\x00":                       "NUL",
		"/a/**b":                         "** inside a name",
		"/a/b**":                         "** inside a name",
		"/a/***":                         "** inside a name",
		"/a/[b":                          "[ without ]",
		"/a/[b/c]":                       "[ without ]",
		"/a/[":                           "[ without ]",
		"/a/[!":                          "[ without ]",
		"/a/[b-":                         "[ without ]",
		`/a/[b\`:                         "[ without ]",
		"/a/[]":                          "nothing in it",
		"/a/[!]":                         "nothing in it",
		"/a/[d-b]":                       "d-b, which is empty",
		"/a/b]":                          "] without [",
		"/a/{b":                          "{ without }",
		"/a/{b/c}":                       "{ without }",
		"/a/b}":                          "} without {",
		"/a/{b,{c}}":                     "{ inside { }",
		`/a/b\`:                          `\ at the end`,
		`/a/b\/c`:                        `\ at the end`,
		"/a/*\ufffd":                     "U+FFFD",
		"/a/*\xff":                       "U+FFFD",
		"/" + strings.Repeat("a", 1<<13): "8193 bytes",
	} {
		if _, err := ParsePath(rule); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want something about %q", rule, err, says)
		}
	}
}

func TestFixed(t *testing.T) {
	for rule, want := range map[string]string{
		"/usr/bin/id": "/usr/bin/id", "/opt/**": "/opt", "/opt/a*": "/opt", "/opt/a/*/b": "/opt/a",
		"/*": "/", "/**/x": "/", "/opt/**/x": "/opt", `/opt/\*/*`: "/opt/*", "/opt/{a,b}": "/opt",
	} {
		p, err := ParsePath(rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Fixed(); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

// model says in the plainest way whether a valid pattern matches.
func model(pattern, path string) bool {
	switch {
	case pattern == "":
		return path == ""
	case pattern == "/**":
		return len(path) > 1 && path[0] == '/' && path[1] != '/'
	case strings.HasPrefix(pattern, "/**/"):
		if model(pattern[3:], path) {
			return true
		}
		if len(path) < 2 || path[0] != '/' || path[1] == '/' {
			return false
		}
		end := strings.IndexByte(path[1:], '/')
		return end >= 0 && model(pattern, path[1+end:])
	case pattern[0] == '*':
		if model(pattern[1:], path) {
			return true
		}
		return path != "" && path[0] != '/' && model(pattern, path[1:])
	case pattern[0] == '{':
		end := closing(pattern, '}')
		for _, one := range alternatives(pattern[1:end]) {
			if model(one+pattern[end+1:], path) {
				return true
			}
		}
		return false
	case path == "":
		return false
	}
	r, n := utf8.DecodeRuneInString(path)
	rest := path[n:]
	switch pattern[0] {
	case '?':
		return r != '/' && model(pattern[1:], rest)
	case '[':
		end := closing(pattern, ']')
		return r != '/' && member(pattern[1:end], r) && model(pattern[end+1:], rest)
	case '\\':
		pattern = pattern[1:]
	}
	c, m := utf8.DecodeRuneInString(pattern)
	return c == r && (r != utf8.RuneError || n == 3) && model(pattern[m:], rest)
}

// closing finds the end of what pattern begins with.
func closing(pattern string, end byte) int {
	for i := 1; ; i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			if end == '}' {
				i += closing(pattern[i:], ']')
			}
		case end:
			return i
		}
	}
}

func alternatives(s string) (all []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			i += closing(s[i:], ']')
		case ',':
			all = append(all, s[from:i])
			from = i + 1
		}
	}
	return append(all, s[from:])
}

func member(class string, r rune) bool {
	in := []rune(class)
	want := true
	if in[0] == '!' || in[0] == '^' {
		want, in = false, in[1:]
	}
	for i := 0; i < len(in); i++ {
		if in[i] == '\\' {
			i++
		}
		from, to := in[i], in[i]
		if i+2 < len(in) && in[i+1] == '-' {
			if i += 2; in[i] == '\\' {
				i++
			}
			to = in[i]
		}
		if from <= r && r <= to {
			return want
		}
	}
	return !want
}

// Rules mean what the plainest reading of them says.
func TestPathRulesAgainstModel(t *testing.T) {
	token := rapid.SampledFrom([]string{
		"a", "b", "/", "/", "/**/", "/**", "*", "?", "[ab]", "[!a]", "[+-a]", "{a,b}", "{,a*}", `\*`, "é", ".", "[a", "}", ",",
	})
	name := rapid.SampledFrom([]string{"a", "b", "ab", "é", "\xff", "*", ".", ",", "/", "/", "/"})
	rapid.Check(t, func(t *rapid.T) {
		rule := "/" + strings.Join(rapid.SliceOfN(token, 0, 8).Draw(t, "rule"), "")
		p, err := ParsePath(rule)
		if err != nil {
			return
		}
		for range 8 {
			path := "/" + strings.Join(rapid.SliceOfN(name, 0, 8).Draw(t, "path"), "")
			compare(t, &p, rule, path)
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func compare(t failer, p *PathRule, rule, path string) {
	if strings.Contains(path, "//") {
		return // no path of the kernel's
	}
	want := rule == path
	if p.re != nil {
		want = model(rule, path)
	}
	if got := p.Match(path); got != want {
		t.Fatalf("%q matches %q: %v, want %v", rule, path, got, want)
	}
	fixed := p.Fixed()
	if want && path != fixed && !strings.HasPrefix(path, strings.TrimSuffix(fixed, "/")+"/") {
		t.Fatalf("%q matches %q, which is not below %q", rule, path, fixed)
	}
}

func FuzzPathRule(f *testing.F) {
	f.Add("/a/**/b*[!c-d]{e,f}?", "/a/x/y/bzef")
	f.Add(`/a/\*[+-9]`, "/a/*0")
	f.Add("/é/*", "/é/\xff")
	f.Fuzz(func(t *testing.T, rule, path string) {
		if len(rule) > 40 || len(path) > 40 {
			return // the model takes its time
		}
		if p, err := ParsePath(rule); err == nil {
			compare(t, &p, rule, path)
		}
		if id, err := ParseIdent(rule); err == nil && id.Ident == "" {
			t.Fatalf("%q has an empty identifier", rule)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := ParsePath("/opt/**/bin/{check,probe}_*")
	if err != nil {
		b.Fatal(err)
	}
	long := "/opt" + strings.Repeat("/check_bin", 400)
	b.Run("elsewhere", func(b *testing.B) {
		for b.Loop() {
			p.Match("/usr/bin/python3.11")
		}
	})
	b.Run("match", func(b *testing.B) {
		for b.Loop() {
			p.Match("/opt/monitoring/agent/bin/check_disk")
		}
	})
	b.Run("longest", func(b *testing.B) {
		for b.Loop() {
			p.Match(long)
		}
	})
}
