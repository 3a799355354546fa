/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_TYPES_H
#define XNUMON_TYPES_H

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
enum { false, true };

#define NULL ((void *)0)

#endif
