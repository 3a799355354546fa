/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_SCRIPT_H
#define XNUMON_SCRIPT_H

/*
 * The scripts of an exec, as they are at its activation. The kernel has let go of them by
 * then, and bprm does not lead to them. But a file whose last reference a task gives up is not
 * closed before the task returns to user space: until then it waits in the task's list of
 * works (fs/file_table.c, fput; 6.18), newest first. There are the scripts, what else was closed, and
 * what the process ran before.
 *
 * The scripts are among those that were opened to be executed, and by this very call: an exec gives
 * the process new credentials (fs/exec.c, begin_new_exec), of an address of their own, and a file keeps
 * those it was opened with. So what earlier execs opened, which a process can still have mapped or
 * even open (binfmt_misc, flag O), has others.
 *
 * Behind them can be what the call has opened to execute and given up afterwards: the dynamic
 * linker, if it is on a stacked file system, where the memory of the process keeps the file below. The reader
 * tells it from a script.
 *
 * What is not there: a file that is kept for the image (flag O), of which have_execfd tells;
 * one that binfmt_misc opened beforehand (flag F), which the arguments tell of; and
 * all of them in a thread that uses io_uring, whose requests an exec cancels, which runs the
 * works. There nothing is said, nor where the call was not seen.
 *
 * Which function closes files is not known here: what looks like a file is sent with the
 * address of its function, and the reader tells from files that it has seen open.
 */

static __always_inline u32 work_offset(void)
{
	struct file *file = NULL;
	struct file___rcu *rcu = NULL;
	struct file___u *u = NULL;

	if (bpf_core_field_exists(file->f_task_work))
		return __builtin_preserve_field_info(file->f_task_work, 0);
	if (bpf_core_field_exists(rcu->f_rcuhead))
		return __builtin_preserve_field_info(rcu->f_rcuhead, 0);
	return __builtin_preserve_field_info(u->f_u.fu_rcuhead, 0);
}

static __always_inline struct file *file_of_work(u64 work)
{
	return (void *)work - work_offset();
}

static __always_inline bool was_to_be_executed(struct file *file, u64 cred)
{
	if (!(BPF_CORE_READ(file, f_flags) & FMODE_EXEC) || (u64)BPF_CORE_READ(file, f_cred) != cred)
		return false;
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	return inode && BPF_CORE_READ(file, f_path.dentry, d_inode) == inode &&
	       (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG;
}

#define WORK_STEPS 64 /* at once */
#define MAX_WORKS 32768 /* a process can have that many files which nobody else has open */

/* Goes WORK_STEPS towards the oldest work. Returns 0 when there may be more. See walk_names
 * for why it is not static. */
__noinline int walk_works(u32 where)
{
	struct exec_buffer *b = buffer(where);

	if (!b)
		return 1;
	struct let_go *l = &b->let_go;
	for (int i = 0; i < WORK_STEPS; i++) {
		struct callback_head *work = (void *)l->next;

		if (!work)
			return 1;
		if (was_to_be_executed(file_of_work(l->next), l->cred)) {
			for (int j = MOST_SCRIPTS - 1; j > 0; j--)
				l->works[j] = l->works[j - 1];
			l->works[0] = l->next;
		}
		l->next = (u64)BPF_CORE_READ(work, next);
	}
	return 0;
}

/* Whether user space has said that it knows the bytes of this file by its state. */
static __always_inline bool is_known(struct exec_record *r)
{
	struct file_identity *id = r->flags & EXEC_BELOW ? &r->below : &r->image;
	u64 inode = id->inode;
	struct known_image *known = bpf_map_lookup_elem(&known_images, &inode);

	return known && id->writers <= 0 && known->ino == id->ino && known->ctime == id->ctime && known->epoch == id->epoch;
}

__noinline int send_script(u32 where, u64 address, u32 first)
{
	struct exec_buffer *b = buffer(where);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct callback_head *work = (void *)address;
	struct file *file = file_of_work(address);
	struct path at, root;

	if (!b)
		return 1;
	struct exec_record *r = &b->r;
	r->h.type = REC_SCRIPT;
	r->h.time = bpf_ktime_get_boot_ns();
	r->flags = 0;
	clear_parts(r);
	r->closer = (u64)BPF_CORE_READ(work, func);
	read_identity(&r->image, file);
	if (r->image.magic == OVERLAYFS_SUPER_MAGIC && read_below(&r->below, file))
		r->flags |= EXEC_BELOW;
	if (first)
		b->let_go.unknown = !is_known(r);
	BPF_CORE_READ_INTO(&root.mnt, task, fs, root.mnt);
	BPF_CORE_READ_INTO(&root.dentry, task, fs, root.dentry);
	BPF_CORE_READ_INTO(&at.mnt, file, f_path.mnt);
	BPF_CORE_READ_INTO(&at.dentry, file, f_path.dentry);
	u32 len = r->lens[PART_PATH] = append_path(b, where, 0, &at, &root);
	r->status[PART_PATH] = b->walk.status;
	submit_exec(b, len, quietly());
	return 0;
}

/* Sends the files that an exec went through ahead of its record, and notes there how many. */
static __always_inline void send_scripts(struct exec_buffer *b, struct task_struct *task, u32 tid, struct linux_binprm *bprm)
{
	struct attempt *a = bpf_map_lookup_elem(&attempts, &tid);
	struct let_go *l = &b->let_go;
	u32 left = 0;

	l->unknown = 1;
	read_key(&b->r.key, task);
	b->r.exec_id = BPF_CORE_READ(task, self_exec_id);
	if (!a || a->start != b->r.key.start || a->rings)
		return;
	for (int i = 0; i < MOST_SCRIPTS; i++)
		l->works[i] = 0;
	l->cred = a->cred;
	l->next = (u64)BPF_CORE_READ(task, task_works);
	for (int i = 0; i < MAX_WORKS / WORK_STEPS; i++)
		if (walk_works(IN_SCRATCH))
			break;
	if (l->next)
		return; /* the oldest were not reached */
	for (int i = 0; i < MOST_SCRIPTS; i++) {
		if (l->works[i]) {
			send_script(IN_SCRATCH, l->works[i], i == 0);
			left++;
		}
	}
	b->r.left = left;
	b->r.flags = EXEC_LEFT;
	if (BPF_CORE_READ_BITFIELD_PROBED(bprm, have_execfd))
		b->r.flags |= EXEC_KEPT;
}

#endif
