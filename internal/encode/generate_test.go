package encode

import (
	"pgregory.net/rapid"

	"xnumon/event"
)

// The generators draw records as sensors could send them and then some: every
// field is there or not, whatever the others are.

func maybe[T any](g *rapid.Generator[T]) *rapid.Generator[T] {
	var zero T
	return rapid.OneOf(rapid.Just(zero), g)
}

func someTime() *rapid.Generator[event.Time] {
	return maybe(rapid.Map(rapid.Int64(), func(ns int64) event.Time { return event.Time(ns) }))
}

func somePid() *rapid.Generator[uint32] { return maybe(rapid.Uint32Range(1, 4)) }

func someAbsences(fields ...string) *rapid.Generator[[]event.Absence] {
	return maybe(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Absence {
		return event.Absence{
			Field:  rapid.SampledFrom(fields).Draw(t, "field"),
			Reason: rapid.SampledFrom([]event.Reason{event.ReasonLost, event.ReasonTruncated, event.ReasonModified}).Draw(t, "reason"),
		}
	}), 1, 3))
}

func someCreds() *rapid.Generator[event.Creds] {
	return rapid.Custom(func(t *rapid.T) event.Creds {
		var c event.Creds
		name, id := kernelString(), rapid.Uint32()
		if c.HasAUID = rapid.Bool().Draw(t, "has auid"); c.HasAUID {
			c.AUID, c.AUName = id.Draw(t, "auid"), name.Draw(t, "auname")
		}
		if c.HasIDs = rapid.Bool().Draw(t, "has ids"); c.HasIDs {
			c.EUID, c.EUName = id.Draw(t, "euid"), name.Draw(t, "euname")
			c.EGID, c.EGName = id.Draw(t, "egid"), name.Draw(t, "egname")
			c.RUID, c.RUName = id.Draw(t, "ruid"), name.Draw(t, "runame")
			c.RGID, c.RGName = id.Draw(t, "rgid"), name.Draw(t, "rgname")
			c.OmitGroups = rapid.Uint32Range(0, 9).Draw(t, "omit groups") == 0
		}
		return c
	})
}

func someSignature() *rapid.Generator[*event.Signature] {
	return maybe(rapid.Custom(func(t *rapid.T) *event.Signature {
		return &event.Signature{
			Status: rapid.SampledFrom([]string{"", event.SignatureUnsigned, event.SignatureGood, event.SignatureUntrusted, event.SignatureBad}).Draw(t, "status"),
			Origin: rapid.SampledFrom([]string{"", event.OriginSystem, event.OriginDevID}).Draw(t, "origin"),
			CDHash: rapid.SampledFrom([]string{"", digest("1")[:40]}).Draw(t, "cdhash"),
			Ident:  kernelString().Draw(t, "ident"), TeamID: kernelString().Draw(t, "teamid"), CertCN: kernelString().Draw(t, "certcn"),
		}
	}))
}

// someImage draws an image; activated ones have what past images have.
func someImage(activated bool) *rapid.Generator[*event.Image] {
	return maybe(rapid.Custom(func(t *rapid.T) *event.Image {
		i := &event.Image{
			Path: kernelString().Draw(t, "path"), Deleted: rapid.Bool().Draw(t, "deleted"), Unreachable: rapid.Bool().Draw(t, "unreachable"),
			Memfd: rapid.SampledFrom([]string{"", "sealed"}).Draw(t, "memfd"), Dev: rapid.SampledFrom([]string{"", "8:1"}).Draw(t, "dev"),
			Ino: maybe(rapid.Uint64()).Draw(t, "ino"), MTime: someTime().Draw(t, "mtime"), CTime: someTime().Draw(t, "ctime"), BTime: someTime().Draw(t, "btime"),
			SHA256: rapid.SampledFrom([]string{"", digest("a")}).Draw(t, "sha256"), SHA1: rapid.SampledFrom([]string{"", digest("b")[:40]}).Draw(t, "sha1"),
			MD5: rapid.SampledFrom([]string{"", digest("c")[:32]}).Draw(t, "md5"), Signature: someSignature().Draw(t, "signature"),
			Reconstructed: rapid.Bool().Draw(t, "reconstructed"), Missing: someAbsences("sha256", "path", "script").Draw(t, "missing"),
		}
		if i.HasStat = rapid.Bool().Draw(t, "has stat"); i.HasStat {
			i.Mode, i.Size = rapid.Uint32Range(0, 0o177777).Draw(t, "mode"), rapid.Int64Min(0).Draw(t, "size")
			i.UID, i.UName = rapid.Uint32().Draw(t, "uid"), kernelString().Draw(t, "uname")
			i.GID, i.GName = rapid.Uint32().Draw(t, "gid"), kernelString().Draw(t, "gname")
			omit := rapid.Uint32Range(0, 15).Draw(t, "omit")
			i.OmitMode, i.OmitSize, i.OmitGroup = omit == 1, omit == 2, omit == 3
		}
		if activated {
			i.ExecPid, i.ExecTime = somePid().Draw(t, "exec pid"), someTime().Draw(t, "exec time")
			i.Script = someImage(false).Draw(t, "script")
		}
		return i
	}))
}

func someExec() *rapid.Generator[*event.ImageExec] {
	return rapid.Custom(func(t *rapid.T) *event.ImageExec {
		vector := maybe(rapid.SliceOfN(kernelString(), 0, 3))
		r := &event.ImageExec{
			Time: someTime().Draw(t, "time"), Reconstructed: rapid.Bool().Draw(t, "reconstructed"), AtStart: rapid.Bool().Draw(t, "at start"),
			Argv: vector.Draw(t, "argv"), Env: environment().Draw(t, "env"), Cwd: kernelString().Draw(t, "cwd"), Filename: kernelString().Draw(t, "filename"),
			Image: someImage(false).Draw(t, "image"), Script: someImage(false).Draw(t, "script"),
			Interpreters: rapid.SliceOfN(someImage(false), 0, 2).Draw(t, "interpreters"),
			Missing:      someAbsences("argv", "env", "creds", "cwd").Draw(t, "missing"),
		}
		if rapid.Bool().Draw(t, "has creds") {
			c := someCreds().Draw(t, "creds")
			c.Caps = rapid.SampledFrom([]string{"", "1ffffffffff"}).Draw(t, "caps")
			r.Creds = &c
		}
		if rapid.Bool().Draw(t, "has container") {
			r.Container = &event.Container{ID: kernelString().Draw(t, "id"), Cgroup: kernelString().Draw(t, "cgroup"), Pid: somePid().Draw(t, "pid")}
		}
		if rapid.Bool().Draw(t, "has gate") {
			r.Gate = &event.Gate{Level: "hash", Outcome: event.GateHeld, Held: rapid.Int64Min(0).Draw(t, "held")}
		}
		s := &r.Subject
		*s = event.Subject{
			Pid: rapid.Uint32Range(1, 4).Draw(t, "pid"), Reconstructed: rapid.Bool().Draw(t, "reconstructed"), Creds: someCreds().Draw(t, "creds"),
			Tid: somePid().Draw(t, "tid"), Sid: somePid().Draw(t, "sid"), Session: somePid().Draw(t, "session"), Dev: kernelString().Draw(t, "dev"),
			ForkTime: someTime().Draw(t, "fork time"), ForkPid: somePid().Draw(t, "fork pid"), Image: someImage(true).Draw(t, "image"),
			Ancestors:        rapid.SliceOfN(someImage(true), 0, 3).Draw(t, "ancestors"),
			AncestorsOmitted: rapid.IntRange(0, 3).Draw(t, "omitted"), Missing: someAbsences("image", "fork_time", "euid").Draw(t, "missing"),
		}
		return r
	})
}

func environment() *rapid.Generator[[]string] {
	return maybe(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return kernelString().Draw(t, "name") + rapid.SampledFrom([]string{"=", ""}).Draw(t, "=") + kernelString().Draw(t, "value")
	}), 0, 3))
}

func someLoss() *rapid.Generator[*event.Loss] {
	return rapid.Custom(func(t *rapid.T) *event.Loss {
		return &event.Loss{
			Time: someTime().Draw(t, "time"), Source: kernelString().Draw(t, "source"), Count: maybe(rapid.Uint64()).Draw(t, "count"),
			Since: someTime().Draw(t, "since"), Until: someTime().Draw(t, "until"),
		}
	})
}

func someHost() *rapid.Generator[Host] {
	return rapid.Custom(func(t *rapid.T) Host {
		return Host{
			Name: kernelString().Draw(t, "host"), ID: kernelString().Draw(t, "host id"), Kernel: kernelString().Draw(t, "kernel"),
			OS:   rapid.SampledFrom([]string{"", "linux", "darwin", "freebsd", "plan9"}).Draw(t, "os"),
			Arch: rapid.SampledFrom([]string{"", "amd64"}).Draw(t, "arch"),
		}
	})
}
