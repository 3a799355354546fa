// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The programs. They observe and never influence. Each has its logic in the
 * header named for the subject; what one program writes and another reads is
 * said at the maps.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel.h"
#include "wire.h"
#include "maps.h"
#include "path.h"
#include "identity.h"
#include "process.h"
#include "memory.h"
#include "syscall.h"
#include "record.h"
#include "script.h"
#include "exec.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* current is the process that really called fork, also with CLONE_PARENT. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (BPF_CORE_READ(child, tgid) == BPF_CORE_READ(parent, tgid))
		return 0; /* a thread */

	struct fork_record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		count_loss(LOSS_RING, bpf_ktime_get_boot_ns());
		return 0;
	}
	r->h.type = REC_FORK;
	r->h.size = sizeof(*r);
	r->h.time = bpf_ktime_get_boot_ns();
	read_key(&r->parent, parent);
	read_key(&r->child, child);
	r->exec_id = BPF_CORE_READ(child, self_exec_id);
	bpf_ringbuf_submit(r, quietly());
	return 0;
}

/* Fires for each thread. The process ends with the last one, which need not be
 * the leader; signal->live is counted down before (kernel/exit.c, do_exit). */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	u32 tid = BPF_CORE_READ(task, pid), tgid = BPF_CORE_READ(task, tgid);
	bool last = BPF_CORE_READ(task, signal, live.counter) == 0;
	bool called = bpf_map_delete_elem(&attempts, &tid) == 0;

	if (last)
		bpf_map_delete_elem(&running, &tgid);
	if (!last && !called)
		return 0;
	struct exit_record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		count_loss(LOSS_RING, bpf_ktime_get_boot_ns());
		return 0;
	}
	r->h.type = REC_EXIT;
	r->h.size = sizeof(*r);
	r->h.time = bpf_ktime_get_boot_ns();
	read_key(&r->key, task);
	r->tid = tid;
	r->group = last;
	bpf_ringbuf_submit(r, quietly());
	return 0;
}

/* Every system call of the machine comes through here: leave at once. 32-bit
 * calls do too, which the per-call tracepoints do not see
 * (ARCH_TRACE_IGNORE_COMPAT_SYSCALLS). */
SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	if (!is_watched(nr))
		return 0;
	u32 call = without_x32(nr);
	if (is_exec_call(call))
		begin_attempt();
	else if (begins_epoch(regs, call))
		begin_epoch();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	u32 nr = syscall_number(regs);

	if (!is_watched(nr))
		return 0;
	nr = without_x32(nr);
	if (ret < 0) {
		if (is_exec_call(nr))
			fail_attempt(ret);
		return 0;
	}
	u32 type = control_type(nr);
	if (type)
		send_control(type, regs, ret);
	return 0;
}

/* The point of no return is behind: the image runs, whatever happens next. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	u32 zero = 0;
	struct exec_buffer *b = bpf_map_lookup_elem(&scratch, &zero);

	if (b)
		send_exec(b, task, old_pid, bprm);
	return 0;
}

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 zero = 0;
	struct exec_buffer *b = bpf_map_lookup_elem(&iter_scratch, &zero);

	if (task && b && BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid))
		send_task(b, task);
	return 0;
}

/* Run by the monitor on its own thread, for one of its own descriptors. */
SEC("syscall")
int identify(struct identify_args *args)
{
	u32 slot = args->slot, tid = args->tid, fd = args->fd;
	struct exec_buffer *b = bpf_map_lookup_elem(&identified, &slot);

	if (!b)
		return 1;
	struct task_struct *me = (void *)bpf_get_current_task();
	struct file *file = file_of(me, fd);
	if (!file)
		return 1;
	read_identity(&b->r.image, file);
	b->r.flags = 0;
	if (b->r.image.magic == OVERLAYFS_SUPER_MAGIC && read_below(&b->r.below, file))
		b->r.flags = EXEC_BELOW;

	struct path path, root;
	BPF_CORE_READ_INTO(&path.mnt, file, f_path.mnt);
	BPF_CORE_READ_INTO(&path.dentry, file, f_path.dentry);
	BPF_CORE_READ_INTO(&root.mnt, me, fs, root.mnt);
	BPF_CORE_READ_INTO(&root.dentry, me, fs, root.dentry);
	if (args->root_dentry) {
		root.mnt = (void *)args->root_mnt;
		root.dentry = (void *)args->root_dentry;
	}
	b->r.attempt = 0;
	b->r.failed = 0;
	b->r.first = 0;
	struct attempt *a = bpf_map_lookup_elem(&attempts, &tid);
	if (a) {
		a->held = 1;
		b->r.attempt = a->when;
		b->r.failed = a->failed;
		b->r.first = a->first;
		root.mnt = (void *)a->root_mnt;
		root.dentry = (void *)a->root_dentry;
	}
	b->r.root_mnt = (u64)root.mnt;
	b->r.root_dentry = (u64)root.dentry;
	b->r.lens[PART_PATH] = append_path(b, IN_IDENTIFIED + slot, 0, &path, &root);
	b->r.status[PART_PATH] = b->walk.status;
	return 0;
}

/* Run by the monitor on its own thread, about a stacked file system that it has open. */
SEC("syscall")
int layer(struct layer_args *args)
{
	struct super_block *sb = (void *)args->sb;
	u64 at = 0;
	u32 count = 0;

	if (!sb) {
		struct file *file = file_of((void *)bpf_get_current_task(), args->fd);
		sb = BPF_CORE_READ(file, f_inode, i_sb);
	}
	args->below = 0;
	args->magic = 0;
	args->count = 0;
	if (!sb || BPF_CORE_READ(sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 1;
	void *fs = BPF_CORE_READ(sb, s_fs_info);
	if (bpf_probe_read_kernel(&count, sizeof(count), fs + args->numlayer) ||
	    bpf_probe_read_kernel(&at, sizeof(at), fs + args->layers))
		return 1;
	args->count = count;
	if (args->index >= count)
		return 0;
	struct vfsmount *mnt = NULL;
	if (bpf_probe_read_kernel(&mnt, sizeof(mnt), (void *)at + (u64)args->index * args->size + args->mnt))
		return 1;
	if (!mnt)
		return 0; /* the first is the upper one, which need not be there */
	sb = BPF_CORE_READ(mnt, mnt_sb);
	args->below = (u64)sb;
	args->magic = BPF_CORE_READ(sb, s_magic);
	return 0;
}

/* Puts a mark into the ring, so that its reader knows what came before. */
SEC("syscall")
int sync_events(u64 *token)
{
	struct exit_record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r)
		return 1;
	__builtin_memset(r, 0, sizeof(*r));
	r->h.type = REC_SYNC;
	r->h.size = sizeof(*r);
	r->h.time = bpf_ktime_get_boot_ns();
	r->key.start = *token;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Types that are only pointed at are left out of BTF without this, and bpf2go
 * makes the Go types from BTF. */
const struct fork_record *export_fork __attribute__((unused));
const struct exit_record *export_exit __attribute__((unused));
const struct control_record *export_control __attribute__((unused));
const struct identify_args *export_identify __attribute__((unused));
const struct layer_args *export_layer __attribute__((unused));
enum record_type export_record_type __attribute__((unused));
enum part export_part __attribute__((unused));
enum part_status export_part_status __attribute__((unused));
enum exec_flags export_exec_flags __attribute__((unused));
enum file_flags export_file_flags __attribute__((unused));
enum loss_source export_loss_source __attribute__((unused));
