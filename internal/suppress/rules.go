package suppress

import (
	"errors"
	"fmt"
	"strings"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// Rules say what is not recorded. Paths are rules as ParsePath reads them,
// idents as ParseIdent does.
type Rules struct {
	Paths          []string // of the image or the script
	Idents         []string // of the image
	AncestorPaths  []string // of an image or script that the process or its forebears ran
	AncestorIdents []string
}

// Set is rules ready for use. It does not change, so any goroutine may read it.
type Set struct {
	paths, ancestorPaths   paths
	idents, ancestorIdents idents
}

// paths are the path rules of one kind.
type paths struct {
	exact map[string]struct{}
	globs []PathRule
}

// idents are the ident rules of one kind.
type idents map[Ident]struct{}

// Ident is the signing identifier of code, and the team that signed it, empty
// for code of the operating system.
type Ident struct{ Ident, Team string }

// ParseIdent reads a rule such as com.apple.mdworker, which means code of the
// operating system, or org.example.agent@ABCDE12345, which means code signed by
// that team. Whoever signs chooses the identifier, so it means nothing without
// one or the other. Its error completes a sentence that begins with the rule.
func ParseIdent(rule string) (Ident, error) {
	id := Ident{Ident: rule}
	if at := strings.LastIndexByte(rule, '@'); at >= 0 {
		id.Ident, id.Team = rule[:at], rule[at+1:]
		upper := func(r rune) bool { return r < '0' || r > '9' && r < 'A' || r > 'Z' }
		if len(id.Team) != 10 || strings.ContainsFunc(id.Team, upper) {
			return Ident{}, fmt.Errorf("has no team identifier behind the @: that is ten capital letters and digits")
		}
	}
	if id.Ident == "" {
		return Ident{}, fmt.Errorf("has no signing identifier: write one as codesign -d shows it, such as com.apple.mdworker")
	}
	if strings.ContainsFunc(id.Ident, func(r rune) bool { return r <= ' ' }) {
		return Ident{}, fmt.Errorf("has a space in it, which no signing identifier has: remove it")
	}
	return id, nil
}

// Compile makes the rules ready for use. The error names every rule that is
// not one.
func (r *Rules) Compile() (*Set, error) {
	var s Set
	var errs []error
	for _, list := range []struct {
		from []string
		to   *paths
	}{{r.Paths, &s.paths}, {r.AncestorPaths, &s.ancestorPaths}} {
		for _, rule := range list.from {
			p, err := ParsePath(rule)
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%q %w", rule, err))
			case p.re != nil:
				list.to.globs = append(list.to.globs, p)
			default:
				if list.to.exact == nil {
					list.to.exact = make(map[string]struct{})
				}
				list.to.exact[p.exact] = struct{}{}
			}
		}
	}
	for _, list := range []struct {
		from []string
		to   *idents
	}{{r.Idents, &s.idents}, {r.AncestorIdents, &s.ancestorIdents}} {
		for _, rule := range list.from {
			id, err := ParseIdent(rule)
			if err != nil {
				errs = append(errs, fmt.Errorf("%q %w", rule, err))
				continue
			}
			if *list.to == nil {
				*list.to = make(idents)
			}
			(*list.to)[id] = struct{}{}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &s, nil
}

func (s *Set) empty() bool {
	return s.paths.empty() && s.ancestorPaths.empty() && len(s.idents) == 0 && len(s.ancestorIdents) == 0
}

func (p *paths) empty() bool { return len(p.exact) == 0 && len(p.globs) == 0 }

func (p *paths) match(path string) bool {
	if _, ok := p.exact[path]; ok {
		return true
	}
	for i := range p.globs {
		if p.globs[i].Match(path) {
			return true
		}
	}
	return false
}

// match says whether f is signed as one of the rules says, and the kernel
// admitted it as that.
func (i idents) match(f *sensor.File) bool {
	if len(i) == 0 || f == nil || f.Signature == nil {
		return false
	}
	s := f.Signature
	if s.Status != event.SignatureGood || s.Ident == "" {
		return false
	}
	if s.Origin == event.OriginSystem {
		if _, ok := i[Ident{Ident: s.Ident}]; ok {
			return true
		}
	}
	if s.TeamID == "" {
		return false
	}
	_, ok := i[Ident{Ident: s.Ident, Team: s.TeamID}]
	return ok
}
