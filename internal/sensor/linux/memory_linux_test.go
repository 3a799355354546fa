package linux

import "testing"

func TestReadOnlyFile(t *testing.T) {
	for line, want := range map[string]struct {
		start, size uintptr
		ok          bool
	}{
		"00400000-00a00000 r-xp 00000000 fe:00 1234   /usr/bin/xnumon\n": {0x400000, 0x600000, true},
		"00a00000-00b00000 r--p 00600000 fe:00 1234   /usr/bin/xnumon\n": {0xa00000, 0x100000, true},
		"00b00000-00c00000 rw-p 00700000 fe:00 1234   /usr/bin/xnumon\n": {},
		"00c00000-00d00000 r--s 00700000 00:0e 9   anon_inode:bpf-map\n": {},
		"00c00000-00d00000 r--s 00700000 fe:00 9   /var/lib/x\n":         {},
		"c000000000-c000400000 rw-p 00000000 00:00 0 \n":                 {},
		"7ffe0000-7fff0000 r-xp 00000000 00:00 0   [vdso]\n":             {},
		"zz-7fff0000 r-xp 00000000 fe:00 1   /bin/x\n":                   {},
		"": {},
	} {
		start, size, ok := readOnlyFile(line)
		if start != want.start || size != want.size || ok != want.ok {
			t.Errorf("%q: %#x, %#x, %v", line, start, size, ok)
		}
	}
}
