package record

import (
	"strconv"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// idFields are the fields that are absent when the credentials are not known.
var idFields = [...]string{"euid", "egid", "ruid", "rgid"}

func (b *Builder) login(c *event.Creds, s *sensor.Session) {
	if !s.HasAUID || s.AUID == sensor.NoID {
		return
	}
	c.HasAUID = true
	c.AUID, c.AUName = s.AUID, b.user(s.AUID)
}

func (b *Builder) ids(c *event.Creds, from *sensor.Creds) {
	c.HasIDs = true
	c.EUID, c.EUName = from.EUID, b.user(from.EUID)
	c.RUID, c.RUName = from.RUID, b.user(from.RUID)
	if b.opts.Omit.Groups {
		c.OmitGroups = true
		return
	}
	c.EGID, c.EGName = from.EGID, b.group(from.EGID)
	c.RGID, c.RGName = from.RGID, b.group(from.RGID)
}

// changed records the credentials after an exec that changed an id, the saved
// ones included, or gave an effective capability.
func (b *Builder) changed(before, after *sensor.Creds) {
	gained := after.Caps &^ before.Caps
	was, is := *before, *after
	was.Caps, is.Caps = 0, 0
	if was == is && gained == 0 {
		return
	}
	b.creds = event.Creds{}
	b.ids(&b.creds, after)
	if gained != 0 {
		b.creds.Caps = strconv.FormatUint(after.Caps, 16)
	}
	b.record.Creds = &b.creds
}

func (b *Builder) user(uid uint32) string {
	if b.opts.Names == nil || uid == sensor.NoID {
		return ""
	}
	return b.opts.Names.User(uid)
}

func (b *Builder) group(gid uint32) string {
	if b.opts.Names == nil || gid == sensor.NoID {
		return ""
	}
	return b.opts.Names.Group(gid)
}
