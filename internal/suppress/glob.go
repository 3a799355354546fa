package suppress

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// PathRule is a path, or a pattern of paths. A rule with none of the characters
// * ? [ ] { } \ in it is one path, compared byte for byte. In any other, these
// have a meaning:
//
//	name/*    any part of a name, also none
//	/**/      any number of folders, also none
//	/**       at the end: everything below
//	?         one character
//	[a-z_]    one of these characters; [!a-z_] one that is none of them
//	{a,b}     any of these parts of a name, each possibly a pattern itself
//	\         none for the character behind it
//
// Only ** stands for a slash. A byte that is not UTF-8 is one character, which no
// literal matches.
//
// Patterns become regular expressions of package regexp, which take time in
// proportion to the length of a path whatever is in it: paths are chosen by
// those who are monitored. Matchers that backtrack do not promise that.
type PathRule struct {
	exact  string // empty for a pattern
	prefix string // what every match begins with
	re     *regexp.Regexp
}

const special = `*?[]{}\`

// maxRule bounds the length of a rule: no path the kernel takes is longer.
const maxRule = 4096

// ParsePath reads a rule. Its error completes a sentence that begins with the rule.
func ParsePath(rule string) (PathRule, error) {
	switch {
	case rule == "":
		return PathRule{}, fmt.Errorf("is empty: write an absolute path, or remove it")
	case rule[0] != '/':
		return PathRule{}, fmt.Errorf("is not an absolute path: begin it with /")
	case len(rule) > maxRule:
		return PathRule{}, fmt.Errorf("has %d bytes, and no path has more than %d: shorten it", len(rule), maxRule)
	case strings.IndexByte(rule, 0) >= 0:
		return PathRule{}, fmt.Errorf("holds a NUL byte, which no path does: remove it")
	case strings.HasSuffix(rule, "/"):
		dir := strings.TrimRight(rule, "/")
		return PathRule{}, fmt.Errorf("ends in a slash and would match nothing: write %s/** for everything below it", dir)
	}
	for _, name := range strings.Split(rule[1:], "/") {
		if name == "" || name == "." || name == ".." {
			return PathRule{}, fmt.Errorf("would match nothing, since paths are recorded without //, /. and /..: write %s", path.Clean(rule))
		}
	}
	if !strings.ContainsAny(rule, special) {
		return PathRule{exact: rule}, nil
	}
	if !utf8.ValidString(rule) || strings.ContainsRune(rule, utf8.RuneError) {
		// regexp takes each byte that is not UTF-8 for U+FFFD.
		return PathRule{}, fmt.Errorf("holds a character that stands for broken text (U+FFFD): use ? in its place")
	}
	t := translation{literal: true}
	for i, name := range strings.Split(rule[1:], "/") {
		last := i == strings.Count(rule, "/")-1
		switch {
		case name == "**" && last:
			t.special(`/.+`, "/")
		case name == "**":
			t.special(`(?:/[^/]+)*`, "/") // what comes next begins with a slash, too
		default:
			t.text("/")
			if err := t.name(name); err != nil {
				return PathRule{}, err
			}
		}
	}
	re, err := regexp.Compile(`(?s)\A` + t.expr.String() + `\z`)
	if err != nil {
		return PathRule{}, fmt.Errorf("is too complicated: %w", err)
	}
	return PathRule{prefix: t.prefix.String(), re: re}, nil
}

// Match says whether the rule means this path.
func (r *PathRule) Match(path string) bool {
	if r.re == nil {
		return path == r.exact && path != ""
	}
	return strings.HasPrefix(path, r.prefix) && r.re.MatchString(path)
}

// Fixed is the path itself, or the folder below which everything lies that the
// pattern can match.
func (r *PathRule) Fixed() string {
	if r.re == nil {
		return r.exact
	}
	return path.Dir(r.prefix + "x")
}

// translation is a pattern on its way to a regular expression.
type translation struct {
	expr, prefix strings.Builder
	literal      bool // nothing but literal text so far
}

func (t *translation) text(s string) {
	t.expr.WriteString(regexp.QuoteMeta(s))
	if t.literal {
		t.prefix.WriteString(s)
	}
}

// special appends an expression; whatever it matches begins with prefix.
func (t *translation) special(expr, prefix string) {
	t.expr.WriteString(expr)
	if t.literal {
		t.prefix.WriteString(prefix)
	}
	t.literal = false
}

// name translates what stands between two slashes.
func (t *translation) name(s string) error {
	depth := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '*':
			if strings.HasPrefix(s[i:], "*") {
				return fmt.Errorf("has ** inside a name: let it stand alone between slashes, or use *")
			}
			t.special(`[^/]*`, "")
		case r == '?':
			t.special(`[^/]`, "")
		case r == '[':
			n, err := t.class(s[i:])
			if err != nil {
				return err
			}
			i += n
		case r == ']':
			return fmt.Errorf(`has ] without [ before it: write \] for the character itself`)
		case r == '{':
			if depth++; depth > 1 {
				return fmt.Errorf("has { inside { }: write the alternatives side by side, or as rules of their own")
			}
			t.special(`(?:`, "")
		case r == ',' && depth > 0:
			t.special(`|`, "")
		case r == '}':
			if depth--; depth < 0 {
				return fmt.Errorf(`has } without { before it: write \} for the character itself`)
			}
			t.special(`)`, "")
		case r == '\\':
			if i == len(s) {
				return fmt.Errorf(`has \ at the end of a name: write \\ for the character itself`)
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			t.text(s[i : i+n])
			i += n
		default:
			t.text(string(r))
		}
	}
	if depth > 0 {
		return fmt.Errorf(`has { without } behind it in the same name: close it, or write \{ for the character itself`)
	}
	return nil
}

// class translates what stands behind a [ and returns its length, ] included.
func (t *translation) class(s string) (int, error) {
	unclosed := fmt.Errorf(`has [ without ] behind it in the same name: close it, or write \[ for the character itself`)
	i := 0
	next := func() (rune, error) {
		if strings.HasPrefix(s[i:], `\`) {
			i++
		}
		if i == len(s) {
			return 0, unclosed
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		return r, nil
	}
	var set strings.Builder
	negated := strings.HasPrefix(s, "!") || strings.HasPrefix(s, "^")
	if negated {
		i++
	}
	for first := true; ; first = false {
		if i == len(s) {
			return 0, unclosed
		}
		if s[i] == ']' {
			if first {
				return 0, fmt.Errorf(`has [ ] with nothing in it: name the characters, or write \[ for the character itself`)
			}
			i++
			break
		}
		from, err := next()
		if err != nil {
			return 0, err
		}
		to := from
		if strings.HasPrefix(s[i:], "-") && !strings.HasPrefix(s[i:], "-]") {
			i++
			if to, err = next(); err != nil {
				return 0, err
			}
		}
		if to < from {
			return 0, fmt.Errorf("has the range %c-%c, which is empty: turn it round", from, to)
		}
		if from < '/' && '/' < to && !negated {
			// A range can run over the slash; nothing but ** stands for one.
			fmt.Fprintf(&set, `\x{%x}-\x{%x}`, from, '/'-1)
			from = '/' + 1
		}
		fmt.Fprintf(&set, `\x{%x}-\x{%x}`, from, to)
	}
	if negated {
		t.special(`[^/`+set.String()+`]`, "")
	} else {
		t.special(`[`+set.String()+`]`, "")
	}
	return i, nil
}
