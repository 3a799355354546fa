/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The records that cross from the kernel to user space. The Go types are made
 * from these by bpf2go. Layout rules: 8-byte members first, padding written out,
 * times in nanoseconds of the boot clock, ids in the initial namespaces.
 */
#ifndef XNUMON_WIRE_H
#define XNUMON_WIRE_H

enum record_type {
	REC_FORK = 1,
	REC_EXIT,
	REC_EXEC,
	REC_TASK,  /* a process found by the iterator */
	REC_CHUNK, /* a part of a long argv or environment; its REC_EXEC follows */
	REC_SYNC,  /* everything before it in the ring was there when asked */
	REC_MOUNT, /* control ring: the thread mounted something */
	REC_MEMFD, /* control ring: the thread made a memfd */
	REC_EPOCH, /* control ring: a new epoch has begun */
	REC_SCRIPT, /* a file that an exec may have gone through; its REC_EXEC follows */
};

struct header {
	u64 time;
	u32 type;
	u32 size; /* of the whole record */
};

struct process_key {
	u64 start; /* start_boottime of the thread group leader */
	u32 pid;
	u32 pad;
};

struct fork_record {
	struct header h;
	struct process_key parent, child;
	u64 exec_id;
};

struct exit_record {
	struct header h;
	struct process_key key;
	u32 tid;    /* the thread that ended */
	u32 group;  /* it was the last of its process */
};

/* What tells one state of a file from another, read from its inode. */
struct file_identity {
	u64 inode; /* address: identity only as long as somebody holds the file */
	u64 ino;
	u64 epoch; /* what the epoch was when the rest was read; see maps.h */
	s64 size;
	s64 mtime, ctime; /* since 1970 */
	u32 dev;          /* as the kernel encodes it: major << 20 | minor */
	u32 generation;
	u32 mode, uid, gid, nlink;
	u32 magic; /* of the file system */
	u32 seals; /* memfd only */
	s32 writers; /* i_writecount: negative when writing is denied */
	u32 flags;
};

enum file_flags {
	FILE_UNLINKED = 1, /* the name it was opened by is gone */
	FILE_INTERNAL = 2, /* on a mount only the kernel has: a memfd */
	FILE_PRIVATE = 4,  /* on a stacked file system's own mount of what is below it */
};

struct credentials {
	u64 caps; /* effective */
	u32 euid, egid, ruid, rgid, suid, sgid;
};

struct session {
	u32 auid, id, leader;
	u32 tty_major, tty_minor; /* major 0: none */
	char tty[20];
};

struct namespaces {
	u32 pid_level; /* 0: the initial pid namespace */
	u32 pid;       /* inside it */
	u32 mnt;       /* inode number */
	u32 pad;
};

/* Strings that follow a record, in this order. */
enum part {
	PART_PATH,     /* components, last one first */
	PART_CWD,      /* likewise */
	PART_CGROUP,   /* likewise */
	PART_FILENAME, /* as passed */
	PART_ARGS,     /* NUL after each */
	PART_ENV,
	PARTS,
};

enum part_status {
	PART_WHOLE,
	PART_UNREACHABLE, /* a path outside the process's root */
	PART_DETACHED,    /* a path that ends at no mount: the last component is the name */
	PART_TRUNCATED,
	PART_RACED,   /* kept changing while it was read */
	PART_FAULT,   /* memory could not be read */
	PART_CHUNKED, /* sent before, in chunk records */
	PART_NO_ROOM, /* the ring was too full for it */
	PART_ABSENT,
};

enum exec_flags {
	EXEC_INTERPRETED = 1, /* the image is not the file that was named */
	EXEC_BEFORE = 2,      /* attempt and before are known */
	EXEC_KTHREAD = 4,
	EXEC_EXECING = 8, /* iterator: the process was in the middle of an exec */
	EXEC_NO_IMAGE = 16,
	EXEC_BELOW = 32, /* below is there, for what can be told of it */
	EXEC_LEFT = 64,  /* left is there */
	EXEC_KEPT = 128, /* a file that was gone through is kept open for the image */
};

/* REC_EXEC and REC_TASK; what identify finds: image, below, flags, attempt, failed
 * and PART_PATH; and REC_SCRIPT: image, below, flags, key, exec_id, closer, PART_PATH. */
struct exec_record {
	struct header h;
	struct process_key key, parent;
	u64 exec_id;
	u64 attempt; /* when the call was entered; with the thread, it names the call */
	u64 first; /* identify: when the thread entered its first call since the last success */
	u64 closer; /* script: address of the function that is to close it */
	u64 args_total, env_total;
	u64 arg_floor, stack_limit; /* how much room argv had, see arguments_linux.go */
	u64 root_dentry, root_mnt; /* what PART_PATH is seen from: addresses, to compare */
	struct file_identity image;
	struct file_identity below; /* stacked file systems: the file that holds the bytes */
	struct credentials before, after;
	struct session session;
	struct namespaces ns;
	u32 tid; /* the thread that called */
	u32 flags;
	u32 argc, envc;
	u32 lens[PARTS];
	u32 status[PARTS];
	u32 failed; /* exec calls of this thread since its last success that failed */
	u32 opened; /* and may have opened a file before they did */
	u32 left;   /* how many script records were sent ahead; see script.h */
	u32 pad;
};

struct chunk_record {
	struct header h;
	struct process_key key;
	u32 part;
	u32 len; /* of the data behind, 0 when it could not be read */
	u64 offset;
};

/* Control ring. */
struct control_record {
	struct header h;
	struct process_key key;
	u32 tid;
	s32 fd; /* what the call returned */
	u32 mnt;
	u32 pad;
	char target[256]; /* what mount(2) was given, empty if it did not fit */
};

/* Asking the kernel about an open descriptor of ours. */
struct identify_args {
	u32 fd;
	u32 tid;  /* the thread whose exec opened it, 0 for none */
	u32 slot;
	u32 pad;
	/* Where paths begin when the thread is in no exec call; 0: at the caller's root. */
	u64 root_dentry, root_mnt;
};

#define IDENTIFY_SLOTS 2

/* Asking the kernel what a stacked file system is made of, one layer a call. The caller
 * tells where the members of overlayfs's own types are, which are often a module's. */
struct layer_args {
	u64 sb;    /* of the stacked file system; 0: the one that fd is on */
	u32 fd;
	u32 index; /* of the layer */
	u32 numlayer, layers;     /* in struct ovl_fs */
	u32 mnt, size;            /* in struct ovl_layer, and of it */
	u64 below; /* out: the superblock of the layer, 0 if there is none at this index */
	u32 magic; /* out: the type of its file system */
	u32 count; /* out: how many layers there are */
};

#define PATH_CAP 4096
#define PART_CAP 6144 /* a longer argv or environment goes ahead in chunks */
#define DATA_CAP (3 * PATH_CAP + 2 * PART_CAP)

enum loss_source {
	LOSS_RING,     /* forks, execs, exits */
	LOSS_CHUNKS,   /* long argv or environment */
	LOSS_ATTEMPTS, /* no room to remember an exec call */
	LOSS_CONTROL,
	LOSS_SOURCES,
};

struct loss {
	u64 count, first, last;
};

#endif
