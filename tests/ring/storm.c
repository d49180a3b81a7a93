/*
 * storm RECORDS: threads on one CPU preempt each other, signals interrupt them, and a reader on another CPU reads along
 * if that is the policy. The thread sanitizer holds signals back, so it sees the threads only.
 */
#define THREADS 3
#define LEVELS 4 /* a thread, and three signals on top of each other */
#define CONTEXTS (THREADS * LEVELS)
#if defined(RING_FILLS)
#define RING_BYTES (1 << 17)
#elif defined(RING_OVERWRITES)
#define RING_BYTES (1 << 12)
#else
#define RING_BYTES (1 << 14)
#define READ_ALONG
#endif
#include "records.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#define ROUND 10000 /* records of a thread between two ends */

static const int signals[] = {SIGUSR1, SIGUSR2, SIGALRM};
static __thread int thread, depth;
static int deepest, finished;
static u64 interrupts;

static u64 chance(u64 *random)
{
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return *random >> 33;
}

static void interrupt(int signal)
{
    if (depth + 1 == LEVELS)
        return;
    depth++;
    if (depth > __atomic_load_n(&deepest, __ATOMIC_RELAXED))
        __atomic_store_n(&deepest, depth, __ATOMIC_RELAXED);
    __atomic_fetch_add(&interrupts, 1, __ATOMIC_RELAXED);
    for (u64 i = 0; i < 50; i++) /* long enough to be interrupted in its turn */
        produce(thread * LEVELS + depth, 1 + i % MOST_WORDS);
    depth--;
}

static void stay_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        fail("no such CPU", cpu);
}

static void *task(void *number)
{
    u64 random = (intptr_t)number;

    thread = (intptr_t)number;
    stay_on(1);
#ifndef __SANITIZE_THREAD__
    timer_t timers[3];
    for (int i = 0; i < 3; i++) {
        long interval = 20000 + 13000 * i + 1700 * thread;
        struct itimerspec when = {{0, interval}, {0, interval}};
        struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signals[i]};
        event._sigev_un._tid = syscall(SYS_gettid);
        if (timer_create(CLOCK_MONOTONIC, &event, &timers[i]) || timer_settime(timers[i], 0, &when, 0))
            fail("no timer", i);
    }
#endif
    for (int i = 0; i < ROUND; i++) {
        produce(thread * LEVELS, 1 + chance(&random) % MOST_WORDS);
        if (chance(&random) % 1024 == 0) { /* who wakes up preempts the one that runs, wherever that is */
            struct timespec moment = {0, chance(&random) % 30000};
            nanosleep(&moment, 0);
        }
    }
#ifndef __SANITIZE_THREAD__
    for (int i = 0; i < 3; i++)
        timer_delete(timers[i]);
#endif
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
    return 0;
}

int main(int argc, char **argv)
{
    u64 records = strtoull(argv[1], 0, 10);

    for (int i = 0; i < 3; i++) {
        struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
        sigaction(signals[i], &action, 0);
    }
    stay_on(0);
    while (attempts() < records) {
        pthread_t threads[THREADS];
        finished = 0;
        for (intptr_t i = 0; i < THREADS; i++)
            pthread_create(&threads[i], 0, task, (void *)i);
#ifdef READ_ALONG
        u64 random = 1;
        while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < THREADS) {
            consume();
            if (chance(&random) % 16384 == 0) /* a slow reader */
                usleep(chance(&random) % 200);
        }
#endif
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], 0);
        consume_rest();
    }
    account(interrupts, deepest);
    return 0;
}
