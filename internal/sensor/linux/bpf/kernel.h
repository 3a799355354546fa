/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel's own types, cut down to the fields that are read here. CO-RE
 * relocates every access to the running kernel, so offsets and order do not
 * matter; names and types do. A type with ___suffix is the same type as another
 * kernel version has it (the suffix is ignored when relocating).
 */
#ifndef XNUMON_KERNEL_H
#define XNUMON_KERNEL_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { u32 val; } kuid_t;
typedef struct { u32 val; } kgid_t;
typedef struct { int counter; } atomic_t;

struct timespec64 { s64 tv_sec; long tv_nsec; };

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
	void *s_fs_info;
};

struct inode {
	u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_size;
	u32 i_generation;
	unsigned int i_nlink;
	atomic_t i_writecount;
	/* since 6.11 */
	s64 i_mtime_sec;
	s64 i_ctime_sec;
	u32 i_mtime_nsec;
	u32 i_ctime_nsec;
};

/* until 6.5; 6.6 renamed ctime, 6.7 mtime as well */
struct inode___plain { struct timespec64 i_mtime, i_ctime; };
struct inode___underscored { struct timespec64 __i_mtime, __i_ctime; };

struct shmem_inode_info {
	unsigned int seals;
	struct inode vfs_inode;
};

struct qstr { const unsigned char *name; };
struct seqcount { unsigned int sequence; };
struct seqcount_spinlock { struct seqcount seqcount; };
typedef struct seqcount_spinlock seqcount_spinlock_t;
struct hlist_bl_node { struct hlist_bl_node *next, **pprev; };

struct dentry {
	seqcount_spinlock_t d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *);
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	const struct cred *f_cred;
	void *private_data;
	struct callback_head f_task_work; /* since 6.7 */
};
struct file___rcu { struct callback_head f_rcuhead; };            /* since 6.0 */
struct file___u { struct { struct callback_head fu_rcuhead; } f_u; }; /* until 5.19 */

struct file_system_type { const char *name; };
struct fs_context { struct file_system_type *fs_type; };

struct fs_struct {
	int in_exec;
	struct path root, pwd;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct { struct fdtable *fdt; };

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};

/* two u32 until 6.2, one u64 since: its field has no name that all kernels
 * know, and eight bytes are read from where it begins */
struct kernel_cap_struct { u64 val; };
struct cred {
	kuid_t uid, suid, euid;
	kgid_t gid, sgid, egid;
	struct kernel_cap_struct cap_effective;
};

struct ns_common { unsigned int inum; };
struct pid_namespace { unsigned int level; struct ns_common ns; };
struct upid { int nr; struct pid_namespace *ns; };
struct pid { unsigned int level; struct upid numbers[1]; };
struct mnt_namespace { struct ns_common ns; };
struct nsproxy { struct mnt_namespace *mnt_ns; };

struct tty_driver { int major, minor_start; };
struct tty_struct { int index; struct tty_driver *driver; char name[64]; };

struct signal_struct {
	atomic_t live;
	struct pid *pids[4];
	struct tty_struct *tty;
};

struct kernfs_node { const char *name; struct kernfs_node *parent; };
/* since 6.15 */
struct kernfs_node___rcu { struct kernfs_node *__parent; };
struct cgroup { struct kernfs_node *kn; };
struct css_set { struct cgroup *dfl_cgrp; };

struct thread_info { unsigned long flags; u32 status; };

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	int pid, tgid;
	unsigned in_execve : 1;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	u64 start_boottime;
	const struct cred *cred;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct callback_head *task_works;
	struct io_uring_task *io_uring;
	struct css_set *cgroups;
	u64 self_exec_id;
	kuid_t loginuid;
	unsigned int sessionid;
};

struct rlimit { unsigned long rlim_cur; };
struct linux_binprm {
	unsigned have_execfd : 1;
	struct file *file;
	int argc, envc;
	unsigned long argmin;
	struct rlimit rlim_stack;
	const char *filename, *interp, *fdpath;
};

struct pt_regs { unsigned long bx, cx, dx, si, di, r10, orig_ax; };
struct pt_regs___arm64 { u64 regs[31]; int syscallno; };

struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; };
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; };

#pragma clang attribute pop

#define ENOENT 2
#define ENOTDIR 20
enum { PIDTYPE_SID = 3 };         /* include/linux/pid_types.h */
#define PF_KTHREAD 0x00200000      /* include/linux/sched.h */
#define PF_EXITING 0x00000004
#define MNT_INTERNAL 0x4000        /* include/linux/mount.h */
#define FMODE_EXEC 0x20            /* include/linux/fs.h; open(2) does not let it pass */
#define S_IFMT 00170000
#define S_IFREG 0100000
#define TMPFS_MAGIC 0x01021994
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define TS_COMPAT 0x0002           /* arch/x86/include/asm/thread_info.h */
#define TIF_32BIT_ARM64 22         /* arch/arm64/include/asm/thread_info.h */

#endif
