/*
 * What a program for the NetX POP3 client uses of ThreadX, on Linux: the kernel
 * is entered, defines the application, and its threads are POSIX threads.
 * Priorities and time slices have no meaning here: all threads run at once, on
 * stacks of their own.
 */
#ifndef EVPOP_NETX_TX_API_H
#define EVPOP_NETX_TX_API_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EVPOP_NETX_API    __attribute__((visibility("default")))
#define EVPOP_NETX_INLINE static __inline
#else
#define EVPOP_NETX_API
#define EVPOP_NETX_INLINE static inline
#endif

typedef void VOID;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef short SHORT;
typedef unsigned short USHORT;
typedef int INT;
typedef unsigned int UINT;
typedef long LONG;
typedef unsigned long ULONG;

#define TX_NULL  0
#define TX_FALSE 0
#define TX_TRUE  1

#define TX_NO_WAIT       0UL
#define TX_WAIT_FOREVER  0xFFFFFFFFUL
#define TX_NO_TIME_SLICE 0UL
#define TX_DONT_START    0U
#define TX_AUTO_START    1U

#define TX_SUCCESS        0x00
#define TX_PTR_ERROR      0x03
#define TX_SIZE_ERROR     0x05
#define TX_THREAD_ERROR   0x0E
#define TX_PRIORITY_ERROR 0x0F
#define TX_NO_MEMORY      0x10
#define TX_START_ERROR    0x10
#define TX_CALLER_ERROR   0x13
#define TX_THRESH_ERROR   0x18

/* Bounds that parameters are checked against. */
#ifndef TX_MAX_PRIORITIES
#define TX_MAX_PRIORITIES 32
#endif
#ifndef TX_MINIMUM_STACK
#define TX_MINIMUM_STACK 200
#endif

/* Ticks of tx_thread_sleep() and of all times of NetX. */
#ifndef TX_TIMER_TICKS_PER_SECOND
#ifdef NX_IP_PERIODIC_RATE
#define TX_TIMER_TICKS_PER_SECOND NX_IP_PERIODIC_RATE
#else
#define TX_TIMER_TICKS_PER_SECOND 100
#endif
#endif

/* A thread. */
typedef struct TX_THREAD_STRUCT {
	CHAR *tx_thread_name;
	VOID (*tx_thread_entry)(ULONG);
	ULONG tx_thread_entry_parameter;
} TX_THREAD;

/*
 * The program's own: called once by tx_kernel_enter(), before any thread runs,
 * with memory for the program to carve its stacks and pools from: 64 MiB, of
 * which only what is written to is ever taken from the system.
 */
VOID tx_application_define(VOID *first_unused_memory);

/* What tx_kernel_enter() is made of; see there. */
EVPOP_NETX_API VOID evpop_netx_kernel_enter(
    VOID (*define)(VOID *first_unused_memory));

/* What tx_thread_sleep() is made of; see there. */
EVPOP_NETX_API UINT evpop_netx_thread_sleep(
    ULONG ticks, ULONG ticks_per_second);

/*
 * Calls tx_application_define(), lets the threads run that it created, and
 * returns when they and all that these created have ended; that memory is gone
 * then.  One kernel at a time: a second call meanwhile returns at once.
 */
EVPOP_NETX_INLINE VOID
tx_kernel_enter(VOID)
{
	evpop_netx_kernel_enter(tx_application_define);
}

/*
 * A thread that calls entry_function(entry_input), from the moment that
 * tx_application_define() has returned.  The stack is checked and not used.
 * TX_PTR_ERROR, TX_SIZE_ERROR, TX_PRIORITY_ERROR, TX_THRESH_ERROR where a
 * parameter is wrong; TX_THREAD_ERROR where it is NULL or a thread already;
 * TX_START_ERROR where it is not to start by itself, which nothing here could
 * make good, or the system has no thread left; TX_CALLER_ERROR outside of
 * tx_kernel_enter().
 */
EVPOP_NETX_API UINT tx_thread_create(TX_THREAD *thread_ptr, CHAR *name_ptr,
    VOID (*entry_function)(ULONG), ULONG entry_input, VOID *stack_start,
    ULONG stack_size, UINT priority, UINT preempt_threshold, ULONG time_slice,
    UINT auto_start);

/* Sleep for so many ticks, on whichever thread; always TX_SUCCESS. */
EVPOP_NETX_INLINE UINT
tx_thread_sleep(ULONG timer_ticks)
{
	return evpop_netx_thread_sleep(
	    timer_ticks, (ULONG)(TX_TIMER_TICKS_PER_SECOND));
}

#ifdef __cplusplus
}
#endif

#endif
