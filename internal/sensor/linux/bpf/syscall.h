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

#define X32 0x40000000 /* __X32_SYSCALL_BIT, arch/x86/include/uapi/asm/unistd.h */

/* The number that a call has for everybody else: x32 programs mark theirs with a bit, and some
 * calls have other numbers there. */
static __always_inline u32 without_x32(u32 nr)
{
	if (!(nr & X32))
		return nr;
	nr &= ~X32;
	return nr == nr_x32_execve ? nr_execve : nr == nr_x32_execveat ? nr_execveat :
	       nr == nr_x32_ioctl ? nr_ioctl : nr;
}

static __always_inline bool is_exec_call(u32 nr)
{
	if (nr == nr_execve || nr == nr_execveat)
		return !is_compat();
	if (nr == nr_compat_execve || nr == nr_compat_execveat)
		return is_compat();
	return false;
}

/* regs is what the kernel passed to the program, which can read it without asking. */
static __always_inline u32 syscall_number(struct pt_regs *regs)
{
	if (bpf_core_field_exists(regs->orig_ax))
		return regs->orig_ax;
	return ((struct pt_regs___arm64 *)regs)->syscallno;
}

/* Whether a call with this number, of either kind, can be one of those that the programs are
 * here for. Nearly all that the machine makes are not. */
static __always_inline bool is_watched(u32 nr)
{
	nr &= ~X32;
	return nr < 1024 && nr_watched[(nr >> 6) & 15] & 1ULL << (nr & 63);
}

/* One of the first four arguments of the current system call. n is a constant. */
static __always_inline u64 argument(struct pt_regs *regs, const int n)
{
	u64 value;

	if (!bpf_core_field_exists(regs->orig_ax))
		return BPF_CORE_READ((struct pt_regs___arm64 *)regs, regs[n]);
	if (is_compat()) {
		value = n == 0 ? BPF_CORE_READ(regs, bx) : n == 1 ? BPF_CORE_READ(regs, cx) :
			n == 2 ? BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, si);
		return (u32)value;
	}
	return n == 0 ? BPF_CORE_READ(regs, di) : n == 1 ? BPF_CORE_READ(regs, si) :
	       n == 2 ? BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, r10);
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
	/* an entry that is still there is of a call that failed */
	a.failed = last ? last->failed + 1 : 0;
	a.opened = last ? last->opened : 0;
	a.first = last ? last->first : a.when;
	a.held = last ? last->held : 0;
	a.rings = bpf_core_field_exists(task->io_uring) && BPF_CORE_READ(task, io_uring);
	read_credentials(&a.creds, task);
	a.cred = (u64)BPF_CORE_READ(task, cred);
	a.root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	a.root_mnt = (u64)BPF_CORE_READ(task, fs, root.mnt);
	if (bpf_map_update_elem(&attempts, &tid, &a, BPF_ANY)) {
		count_loss(LOSS_ATTEMPTS, a.when);
		bpf_map_delete_elem(&attempts, &tid);
	}
}

/* Whether an ioctl(2) can exchange the bytes of files without a change of their times, or free
 * the device number of a subvolume. Only type and number are compared: the
 * size in a command differs for 32-bit programs, and one call too many costs little. */
static __always_inline bool exchanges(u32 command)
{
	switch (command & 0xffff) {
	case 'f' << 8 | 15:   /* EXT4_IOC_MOVE_EXT, fs/ext4/ext4.h */
	case 'f' << 8 | 17:   /* EXT4_IOC_SWAP_BOOT */
	case 'X' << 8 | 109:  /* XFS_IOC_SWAPEXT, fs/xfs/libxfs/xfs_fs.h */
	case 'X' << 8 | 129:  /* XFS_IOC_EXCHANGE_RANGE, 6.10 */
	case 'X' << 8 | 131:  /* XFS_IOC_COMMIT_RANGE, 6.12 */
	case 0xf5 << 8 | 9:   /* F2FS_IOC_MOVE_RANGE, include/uapi/linux/f2fs.h */
	case 0x94 << 8 | 15:  /* BTRFS_IOC_SNAP_DESTROY, include/uapi/linux/btrfs.h */
	case 0x94 << 8 | 63:  /* BTRFS_IOC_SNAP_DESTROY_V2 */
		return true;
	}
	return false;
}

#define MS_REMOUNT 0x20 /* include/uapi/linux/mount.h */
#define MS_BIND 0x1000
#define MS_MOVE 0x2000
#define MS_PROPAGATION (0x20000 | 0x40000 | 0x80000 | 0x100000)
#define FSCONFIG_CMD_CREATE 6
#define FSCONFIG_CMD_CREATE_EXCL 8

static __always_inline bool is_named(const char *name, const char *want)
{
	for (int i = 0; i < 8; i++) {
		if (name[i] != want[i])
			return false;
		if (!want[i])
			return true;
	}
	return true;
}

/* Types of file systems whose files do not outlive them, or are kept in another one. Each
 * container mounts some of these. */
static __always_inline bool is_transient(const char *type)
{
	return is_named(type, "overlay") || is_named(type, "tmpfs") || is_named(type, "proc") ||
	       is_named(type, "sysfs") || is_named(type, "cgroup2") || is_named(type, "cgroup") ||
	       is_named(type, "devpts") || is_named(type, "mqueue") || is_named(type, "fuse");
}

static __always_inline bool creates_transient(u32 fd)
{
	struct file *file = file_of((void *)bpf_get_current_task(), fd);
	struct fs_context *context = BPF_CORE_READ(file, private_data);
	char type[8] = {};

	bpf_probe_read_kernel_str(type, sizeof(type), BPF_CORE_READ(context, fs_type, name));
	return is_transient(type);
}

/* Whether a call about to be made begins an epoch. Mounting does where it can bring in a file
 * system: one that was known may have been changed elsewhere meanwhile. */
static __always_inline bool begins_epoch(struct pt_regs *regs, u32 nr)
{
	char type[8] = {};

	if (nr == nr_ioctl || nr == nr_compat_ioctl) {
		if (!exchanges(argument(regs, 1)))
			return false;
		return nr == (is_compat() ? nr_compat_ioctl : nr_ioctl);
	}
	if (nr == nr_fsconfig) {
		u32 command = argument(regs, 1);
		if (command != FSCONFIG_CMD_CREATE && command != FSCONFIG_CMD_CREATE_EXCL)
			return false;
		return !creates_transient(argument(regs, 0));
	}
	if (nr == nr_mounts[0] || nr == nr_compat_mount) {
		if (nr != (is_compat() ? nr_compat_mount : nr_mounts[0]))
			return false;
		if (argument(regs, 3) & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_PROPAGATION))
			return false;
		bpf_probe_read_user_str(type, sizeof(type), (void *)argument(regs, 2));
		return !is_transient(type);
	}
	return false;
}

static __always_inline void begin_epoch(void)
{
	__sync_fetch_and_add(&epoch, 1);
	struct control_record *r = bpf_ringbuf_reserve(&control, sizeof(*r), 0);
	if (!r) {
		count_loss(LOSS_CONTROL, bpf_ktime_get_boot_ns());
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->h.type = REC_EPOCH;
	r->h.size = sizeof(*r);
	r->h.time = bpf_ktime_get_boot_ns();
	bpf_ringbuf_submit(r, 0);
}

/* A call that failed for want of a file has opened none, as a rule: an interpreter can
 * be wanting too, but then no such exec succeeds later. */
static __always_inline void fail_attempt(long error)
{
	if (error == -ENOENT || error == -ENOTDIR)
		return;
	u32 tid = bpf_get_current_pid_tgid();
	struct attempt *a = bpf_map_lookup_elem(&attempts, &tid);
	if (a)
		a->opened++;
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
	if (type == REC_MOUNT && without_x32(syscall_number(regs)) == nr_mounts[0] && !is_compat()) {
		long n = bpf_probe_read_user_str(r->target, sizeof(r->target), (void *)argument(regs, 1));
		if (n < 0 || n == sizeof(r->target))
			r->target[0] = 0;
	}
	bpf_ringbuf_submit(r, 0);
}

#endif
