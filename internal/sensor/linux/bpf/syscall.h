/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_SYSCALL_H
#define XNUMON_SYSCALL_H

/* Whether the current system call is one of a 32-bit program, which has
 * numbers of its own. */
static __always_inline bool is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(((struct pt_regs *)0)->orig_ax))
		return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
	return BPF_CORE_READ(task, thread_info.flags) & (1UL << TIF_32BIT_ARM64);
}

static __always_inline bool is_exec_call(u32 nr)
{
	/* x32 has its own numbers for these two, with bit 30 set (520, 545) */
	if (nr == nr_execve || nr == nr_execveat || nr == (0x40000000 | 520) || nr == (0x40000000 | 545))
		return !is_compat();
	if (nr == nr_compat_execve || nr == nr_compat_execveat)
		return is_compat();
	return false;
}

static __always_inline u32 syscall_number(struct pt_regs *regs)
{
	if (bpf_core_field_exists(regs->orig_ax))
		return BPF_CORE_READ(regs, orig_ax);
	return BPF_CORE_READ((struct pt_regs___arm64 *)regs, syscallno);
}

static __always_inline void *second_argument(struct pt_regs *regs)
{
	if (bpf_core_field_exists(regs->orig_ax))
		return (void *)BPF_CORE_READ(regs, si);
	return (void *)BPF_CORE_READ((struct pt_regs___arm64 *)regs, regs[1]);
}

static __always_inline u32 control_type(u32 nr)
{
	u32 memfd = nr_memfd_create, mount = nr_mounts[0];

	if (nr != memfd && nr != mount && nr != nr_compat_memfd_create && nr != nr_compat_mount) {
		/* these have the same numbers for 32-bit programs */
		for (int i = 1; i < 4; i++)
			if (nr == nr_mounts[i])
				return REC_MOUNT;
		return 0;
	}
	if (is_compat()) {
		memfd = nr_compat_memfd_create;
		mount = nr_compat_mount;
	}
	return nr == memfd ? REC_MEMFD : nr == mount ? REC_MOUNT : 0;
}

static __always_inline void begin_attempt(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u32 tid = BPF_CORE_READ(task, pid);
	struct attempt a = {}, *last = bpf_map_lookup_elem(&attempts, &tid);

	a.when = bpf_ktime_get_boot_ns();
	a.start = BPF_CORE_READ(task, group_leader, start_boottime);
	a.tgid = BPF_CORE_READ(task, tgid);
	/* an entry that is still there is of a call that failed */
	a.failed = last ? last->failed + 1 : 0;
	a.first = last ? last->first : a.when;
	read_credentials(&a.creds, task);
	a.root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	a.root_mnt = (u64)BPF_CORE_READ(task, fs, root.mnt);
	if (bpf_map_update_elem(&attempts, &tid, &a, BPF_ANY)) {
		count_loss(LOSS_ATTEMPTS, a.when);
		bpf_map_delete_elem(&attempts, &tid);
	}
}

static __always_inline void send_control(u32 type, struct pt_regs *regs, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(task, tgid) == self_tgid)
		return;
	struct control_record *r = bpf_ringbuf_reserve(&control, sizeof(*r), 0);
	if (!r) {
		count_loss(LOSS_CONTROL, bpf_ktime_get_boot_ns());
		return;
	}
	r->h.type = type;
	r->h.size = sizeof(*r);
	r->h.time = bpf_ktime_get_boot_ns();
	read_key(&r->key, task);
	r->tid = BPF_CORE_READ(task, pid);
	r->fd = ret;
	r->mnt = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	r->pad = 0;
	r->target[0] = 0;
	if (type == REC_MOUNT && syscall_number(regs) == nr_mounts[0] && !is_compat()) {
		long n = bpf_probe_read_user_str(r->target, sizeof(r->target), second_argument(regs));
		if (n < 0 || n == sizeof(r->target))
			r->target[0] = 0;
	}
	bpf_ringbuf_submit(r, 0);
}

#endif
