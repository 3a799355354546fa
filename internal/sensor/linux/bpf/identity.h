/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_IDENTITY_H
#define XNUMON_IDENTITY_H

#define NSEC 1000000000LL

static __always_inline void read_times(struct file_identity *id, struct inode *inode)
{
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		id->mtime = BPF_CORE_READ(inode, i_mtime_sec) * NSEC + BPF_CORE_READ(inode, i_mtime_nsec);
		/* the top bit says that somebody has looked (6.13, include/linux/fs.h, I_CTIME_QUERIED) */
		id->ctime = BPF_CORE_READ(inode, i_ctime_sec) * NSEC + (BPF_CORE_READ(inode, i_ctime_nsec) & 0x7fffffff);
		return;
	}
	struct inode___plain *plain = (void *)inode;
	struct inode___underscored *under = (void *)inode;
	struct timespec64 t;

	if (bpf_core_field_exists(plain->i_mtime))
		t = BPF_CORE_READ(plain, i_mtime);
	else
		t = BPF_CORE_READ(under, __i_mtime);
	id->mtime = t.tv_sec * NSEC + t.tv_nsec;
	if (bpf_core_field_exists(plain->i_ctime))
		t = BPF_CORE_READ(plain, i_ctime);
	else
		t = BPF_CORE_READ(under, __i_ctime);
	id->ctime = t.tv_sec * NSEC + t.tv_nsec;
}

/* The open file behind a descriptor of a task, NULL if there is none. */
static __always_inline struct file *file_of(struct task_struct *task, u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(fdt, fd) + fd);
	return file;
}

static __always_inline void read_identity(struct file_identity *id, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	id->epoch = epoch;
	id->inode = (u64)inode;
	id->ino = BPF_CORE_READ(inode, i_ino);
	id->size = BPF_CORE_READ(inode, i_size);
	read_times(id, inode);
	id->dev = BPF_CORE_READ(sb, s_dev);
	id->generation = BPF_CORE_READ(inode, i_generation);
	id->mode = BPF_CORE_READ(inode, i_mode);
	id->uid = BPF_CORE_READ(inode, i_uid.val);
	id->gid = BPF_CORE_READ(inode, i_gid.val);
	id->nlink = BPF_CORE_READ(inode, i_nlink);
	id->magic = BPF_CORE_READ(sb, s_magic);
	id->writers = BPF_CORE_READ(inode, i_writecount.counter);
	id->seals = 0;
	id->flags = 0;
	if (BPF_CORE_READ(file, f_path.mnt, mnt_flags) & MNT_INTERNAL) {
		id->flags |= FILE_INTERNAL;
		if (id->magic == TMPFS_MAGIC) {
			struct shmem_inode_info *shmem = (void *)inode -
				__builtin_preserve_field_info(((struct shmem_inode_info *)0)->vfs_inode, 0);
			id->seals = BPF_CORE_READ(shmem, seals);
		}
	}
	/* MNT_NS_INTERNAL of fs/mount.h, an error pointer */
	struct mount *mount = real_mount(BPF_CORE_READ(file, f_path.mnt));
	u64 ns = (u64)BPF_CORE_READ(mount, mnt_ns);
	if (ns >= (u64)-4095)
		id->flags |= FILE_PRIVATE;
	/* d_unlinked() of include/linux/dcache.h; a root has no name to lose */
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		id->flags |= FILE_UNLINKED;
}

/* The file below an overlay file, which is the one whose pages are mapped. Its
 * place is the overlay's own affair: private_data is that file until 6.12, and a
 * struct that begins with it since (fs/overlayfs/file.c). So what this finds is
 * worth something only where its inode is one that was seen in another way. */
static __always_inline bool read_below(struct file_identity *id, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	s64 size = BPF_CORE_READ(inode, i_size);
	struct file *below = BPF_CORE_READ(file, private_data);

	for (int i = 0; i < 2; i++) {
		struct inode *in = BPF_CORE_READ(below, f_inode);
		if ((BPF_CORE_READ(in, i_mode) & S_IFMT) == S_IFREG && BPF_CORE_READ(in, i_size) == size && in != inode) {
			read_identity(id, below);
			return true;
		}
		bpf_probe_read_kernel(&below, sizeof(below), BPF_CORE_READ(file, private_data));
	}
	return false;
}

#endif
