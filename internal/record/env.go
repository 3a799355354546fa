package record

import "strings"

// environment picks what is recorded of an environment. The result is nil only
// if nothing is known of it.
func (b *Builder) environment(env []string, whole bool) []string {
	if b.opts.Env == EnvFull {
		if env == nil && whole {
			return []string{}
		}
		return env
	}
	if env == nil && !whole {
		return nil
	}
	if b.env == nil {
		b.env = make([]string, 0, 8)
	}
	for _, v := range env {
		if linkerVariable(v) {
			b.env = append(b.env, v)
		}
	}
	return b.env
}

// linkerVariable reports whether a variable steers what code the dynamic linker
// loads into the image:
//
//   - LD_*: every variable of ld.so(8) and of musl's and the BSDs' linkers
//   - GLIBC_TUNABLES: ld.so(8) reads it before anything else
//   - GCONV_PATH: where glibc loads character set converters from (iconv(3))
//   - DYLD_*: every variable of dyld(1)
//
// A name without a value is not recorded: linkers pass over it.
func linkerVariable(v string) bool {
	if len(v) < 4 || v[0] != 'L' && v[0] != 'G' && v[0] != 'D' {
		return false
	}
	name, _, ok := strings.Cut(v, "=")
	return ok && (strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_") ||
		name == "GLIBC_TUNABLES" || name == "GCONV_PATH")
}
