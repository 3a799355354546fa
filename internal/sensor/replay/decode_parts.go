package replay

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

func (d *decoder) time() event.Time { return event.Time(d.int64()) }

func (d *decoder) reason() event.Reason { return event.Reason(d.str()) }

// pid reads the identity of a process, [pid,start].
func (d *decoder) pid() sensor.Key {
	var k sensor.Key
	n := 0
	for d.open('['); d.more(']'); n++ {
		switch n {
		case 0:
			k.PID = d.uint32()
		case 1:
			k.Start = d.uint64()
		default:
			d.skipUnknown()
		}
	}
	if n < 2 {
		d.fail("not a pair of pid and start")
	}
	return k
}

func (d *decoder) creds() sensor.Creds {
	var c sensor.Creds
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "euid":
			c.EUID = d.uint32()
		case "egid":
			c.EGID = d.uint32()
		case "ruid":
			c.RUID = d.uint32()
		case "rgid":
			c.RGID = d.uint32()
		case "suid":
			c.SUID = d.uint32()
		case "sgid":
			c.SGID = d.uint32()
		case "caps":
			c.Caps = d.uint64()
		default:
			d.skipUnknown()
		}
	}
	return c
}

func (d *decoder) session() sensor.Session {
	var s sensor.Session
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "auid":
			s.AUID = d.uint32()
		case "has_auid":
			s.HasAUID = d.bool()
		case "id":
			s.ID = d.uint32()
		case "leader":
			s.Leader = d.uint32()
		case "tty":
			s.TTY = d.str()
		default:
			d.skipUnknown()
		}
	}
	return s
}

func (d *decoder) container() *event.Container {
	c := new(event.Container)
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "id":
			c.ID = d.str()
		case "cgroup":
			c.Cgroup = d.str()
		case "pid":
			c.Pid = d.uint32()
		default:
			d.skipUnknown()
		}
	}
	return c
}

func (d *decoder) gate() *event.Gate {
	g := new(event.Gate)
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "level":
			g.Level = d.str()
		case "outcome":
			g.Outcome = d.str()
		case "held":
			g.Held = d.int64()
		default:
			d.skipUnknown()
		}
	}
	return g
}

func (d *decoder) signature() *event.Signature {
	s := new(event.Signature)
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "status":
			s.Status = d.str()
		case "origin":
			s.Origin = d.str()
		case "cdhash":
			s.CDHash = d.str()
		case "ident":
			s.Ident = d.str()
		case "team_id":
			s.TeamID = d.str()
		case "cert_cn":
			s.CertCN = d.str()
		case "status_reason":
			s.StatusReason = d.reason()
		default:
			d.skipUnknown()
		}
	}
	return s
}
