/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_EXEC_H
#define XNUMON_EXEC_H

/* Whose process it is: what is the same for an exec and for a process found. */
static __always_inline void read_process(struct exec_record *r, struct task_struct *task)
{
	read_key(&r->key, task);
	read_key(&r->parent, BPF_CORE_READ(task, real_parent));
	r->exec_id = BPF_CORE_READ(task, self_exec_id);
	read_credentials(&r->after, task);
	read_session(&r->session, task);
	read_namespaces(&r->ns, task);
}

static __always_inline u32 append_places(struct exec_buffer *b, u32 where, struct task_struct *task, struct file *file)
{
	struct path root, at;
	u32 off = 0, n;

	BPF_CORE_READ_INTO(&root.mnt, task, fs, root.mnt);
	BPF_CORE_READ_INTO(&root.dentry, task, fs, root.dentry);
	b->r.root_mnt = (u64)root.mnt;
	b->r.root_dentry = (u64)root.dentry;
	if (file) {
		BPF_CORE_READ_INTO(&at.mnt, file, f_path.mnt);
		BPF_CORE_READ_INTO(&at.dentry, file, f_path.dentry);
		off = b->r.lens[PART_PATH] = append_path(b, where, 0, &at, &root);
		b->r.status[PART_PATH] = b->walk.status;
	} else {
		b->r.status[PART_PATH] = PART_ABSENT;
	}
	BPF_CORE_READ_INTO(&at.mnt, task, fs, pwd.mnt);
	BPF_CORE_READ_INTO(&at.dentry, task, fs, pwd.dentry);
	n = b->r.lens[PART_CWD] = append_path(b, where, off, &at, &root);
	b->r.status[PART_CWD] = b->walk.status;
	off += n;
	n = b->r.lens[PART_CGROUP] = append_cgroup(b, off, task);
	b->r.status[PART_CGROUP] = b->walk.status;
	return off + n;
}

/* Returns whether something of it was held. */
static __always_inline bool take_attempt(struct exec_record *r, u32 tid)
{
	struct attempt *a = bpf_map_lookup_elem(&attempts, &tid);
	bool held;

	r->attempt = 0;
	r->failed = 0;
	r->opened = 0;
	if (!a || a->start != r->key.start)
		return false;
	r->attempt = a->when;
	r->failed = a->failed;
	r->opened = a->opened;
	r->before = a->creds;
	r->flags |= EXEC_BEFORE;
	held = a->held;
	bpf_map_delete_elem(&attempts, &tid);
	return held;
}

/* Whether the reader has something to do for this exec that cannot wait: it holds files of the
 * call until it has read of it, or has to open one before the process is gone. */
static __always_inline bool is_urgent(struct exec_record *r, bool held, bool unknown)
{
	return held || unknown || !is_known(r);
}

static __always_inline void send_exec(struct exec_buffer *b, struct task_struct *task, u32 old_tid, struct linux_binprm *bprm)
{
	struct exec_record *r = &b->r;
	struct file *file = BPF_CORE_READ(bprm, file);
	const char *filename = BPF_CORE_READ(bprm, filename);

	bool interpreted = BPF_CORE_READ(bprm, interp) != filename, unknown = false;

	r->flags = 0;
	r->left = 0;
	if (interpreted) {
		send_scripts(b, task, old_tid, bprm);
		unknown = b->let_go.unknown;
		r->flags = (r->flags & (EXEC_LEFT | EXEC_KEPT)) | EXEC_INTERPRETED;
	}
	r->h.type = REC_EXEC;
	r->h.time = bpf_ktime_get_boot_ns();
	clear_parts(r);
	read_process(r, task);
	r->tid = old_tid;
	r->argc = BPF_CORE_READ(bprm, argc);
	r->envc = BPF_CORE_READ(bprm, envc);
	r->arg_floor = BPF_CORE_READ(bprm, argmin);
	r->stack_limit = BPF_CORE_READ(bprm, rlim_stack.rlim_cur);
	read_identity(&r->image, file);
	if (r->image.magic == OVERLAYFS_SUPER_MAGIC && read_below(&r->below, file))
		r->flags |= EXEC_BELOW;
	bool urgent = is_urgent(r, take_attempt(r, old_tid), unknown);

	struct running_exec run = {.start = r->key.start, .exec_id = r->exec_id};
	if (bpf_map_update_elem(&running, &r->key.pid, &run, BPF_ANY))
		count_loss(LOSS_ATTEMPTS, r->h.time);

	u32 off = append_places(b, IN_SCRATCH, task, file), n = 0;
	if (off <= DATA_CAP) {
		long m = bpf_probe_read_kernel_str(b->data + off, PATH_CAP, filename);
		if (m > 0 && m <= PATH_CAP)
			n = m;
	}
	r->lens[PART_FILENAME] = n;
	off += n;

	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	r->args_total = end - start;
	n = r->lens[PART_ARGS] = append_memory(b, off, PART_ARGS, start, end);
	off += n;
	start = BPF_CORE_READ(mm, env_start);
	end = BPF_CORE_READ(mm, env_end);
	r->env_total = end - start;
	if (want_env) {
		n = r->lens[PART_ENV] = append_memory(b, off, PART_ENV, start, end);
		off += n;
	} else {
		r->status[PART_ENV] = PART_ABSENT;
	}
	submit_exec(b, off, urgent ? BPF_RB_FORCE_WAKEUP : quietly());
	if (!urgent)
		wake_soon();
}

static __always_inline void send_task(struct exec_buffer *b, struct task_struct *task)
{
	struct exec_record *r = &b->r;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = NULL;

	r->h.type = REC_TASK;
	r->h.time = bpf_ktime_get_boot_ns();
	r->flags = 0;
	r->attempt = 0;
	r->tid = 0;
	r->failed = 0;
	clear_parts(r);
	read_process(r, task);
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		r->flags |= EXEC_KTHREAD;
	else if (mm)
		file = BPF_CORE_READ(mm, exe_file);
	/* Between the new memory and the new number the two would not belong
	 * together; both marks are set before and cleared after the exec's event
	 * (fs/exec.c, bprm_execve). */
	if ((bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD_PROBED(task, in_execve)) ||
	    BPF_CORE_READ(task, fs, in_exec))
		r->flags |= EXEC_EXECING;
	if (file)
		read_identity(&r->image, file);
	else
		r->flags |= EXEC_NO_IMAGE;
	u32 off = append_places(b, IN_ITER, task, file);
	/* it ended or went on while it was looked at: what was read may not belong together */
	if (BPF_CORE_READ(task, mm) != mm || (BPF_CORE_READ(task, flags) & PF_EXITING) ||
	    BPF_CORE_READ(task, self_exec_id) != r->exec_id)
		r->flags |= EXEC_EXECING;
	r->status[PART_ARGS] = r->status[PART_ENV] = PART_ABSENT;
	submit_exec(b, off, quietly());
}

#endif
