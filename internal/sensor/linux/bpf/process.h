/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_PROCESS_H
#define XNUMON_PROCESS_H

#define MAX_CGROUPS 16

static __always_inline void read_key(struct process_key *key, struct task_struct *task)
{
	key->pid = BPF_CORE_READ(task, tgid);
	key->start = BPF_CORE_READ(task, group_leader, start_boottime);
	key->pad = 0;
}

static __always_inline void read_credentials(struct credentials *c, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	bpf_core_read(&c->caps, sizeof(c->caps), &cred->cap_effective);
	c->euid = BPF_CORE_READ(cred, euid.val);
	c->egid = BPF_CORE_READ(cred, egid.val);
	c->ruid = BPF_CORE_READ(cred, uid.val);
	c->rgid = BPF_CORE_READ(cred, gid.val);
	c->suid = BPF_CORE_READ(cred, suid.val);
	c->sgid = BPF_CORE_READ(cred, sgid.val);
}

static __always_inline void read_session(struct session *s, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct tty_struct *tty = BPF_CORE_READ(signal, tty);

	__builtin_memset(s, 0, sizeof(*s));
	/* kernels without CONFIG_AUDIT have neither */
	if (bpf_core_field_exists(task->loginuid)) {
		s->auid = BPF_CORE_READ(task, loginuid.val);
		s->id = BPF_CORE_READ(task, sessionid);
	} else {
		s->auid = s->id = (u32)-1;
	}
	s->leader = BPF_CORE_READ(signal, pids[PIDTYPE_SID], numbers[0].nr);
	if (tty) {
		s->tty_major = BPF_CORE_READ(tty, driver, major);
		s->tty_minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
		bpf_probe_read_kernel_str(s->tty, sizeof(s->tty), &tty->name);
	}
}

static __always_inline void read_namespaces(struct namespaces *ns, struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);

	ns->pid_level = level;
	ns->pid = 0;
	ns->pad = 0;
	if (level && level <= 32) {
		struct upid in;
		bpf_core_read(&in, sizeof(in), &pid->numbers[0]);
		bpf_probe_read_kernel(&in, sizeof(in), (void *)&pid->numbers[0] + level * bpf_core_type_size(struct upid));
		ns->pid = in.nr;
	}
	ns->mnt = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* The names of the control group (v2) and those above it, last one first. The
 * status is in b->walk. */
static __always_inline u32 append_cgroup(struct exec_buffer *b, u32 off, struct task_struct *task)
{
	struct walk *w = &b->walk;

	w->dentry = (u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	w->status = PART_TRUNCATED;
	w->len = 0;
	for (int i = 0; i < MAX_CGROUPS; i++) {
		struct kernfs_node *kn = (void *)w->dentry, *parent;
		u32 len = w->len;

		if (bpf_core_field_exists(kn->parent))
			parent = BPF_CORE_READ(kn, parent);
		else
			parent = BPF_CORE_READ((struct kernfs_node___rcu *)kn, __parent);
		if (!parent) {
			w->status = PART_WHOLE;
			return len <= PATH_CAP ? len : 0;
		}
		if (len > PATH_CAP || off > DATA_CAP)
			break;
		long n = bpf_probe_read_kernel_str(b->data + off + len, NAME_CAP, BPF_CORE_READ(kn, name));
		if (n > 0)
			w->len = len + n;
		w->dentry = (u64)parent;
	}
	return 0;
}

#endif
