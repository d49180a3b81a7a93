/*
 * steps STRIDE: a record is interrupted behind each of its instructions, and the record of the interrupt behind every
 * STRIDE-th, and so on, four records deep, by single-stepping (x86-64). In every other round somebody on another CPU reads
 * what there is, behind every instruction of the outermost record; in the others rings run full.
 */
#define LEVELS 4
#define CONTEXTS LEVELS
#define RING_BYTES 128
#include "records.h"
#include <ucontext.h>

#define TRAP_FLAG 0x100

static const u64 shapes[][LEVELS] = {{3, 2, 4, 1}, {8, 8, 8, 8}, {1, 1, 1, 1}}; /* words of the records */

static const u64 *words;
static long points[LEVELS]; /* behind how many instructions each level is interrupted */
static volatile long left[LEVELS]; /* how many are left of them; -1: it has been */
static int level, reading, deepest;
static u64 interrupts;

/* Produce the record of this level, which is interrupted on the way if it is so long. */
static void stepped(void)
{
    left[level] = points[level];
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "i"(TRAP_FLAG) : "memory", "cc");
    produce(level, words[level]);
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "i"(~TRAP_FLAG) : "memory", "cc");
}

/* Behind an instruction of a record. */
static void trap(int signal, siginfo_t *info, void *context)
{
    if (reading && level == 0)
        consume();
    if (left[level] != 0) {
        left[level] -= left[level] > 0;
        return;
    }
    left[level] = -1;
    if (level || !reading) /* what comes next need not be looked at */
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    level++;
    interrupts++;
    if (level > deepest)
        deepest = level;
    if (level + 1 < LEVELS)
        stepped();
    else
        produce(level, words[level]);
    level--;
}

/* Interrupt at these points. Returns how many levels were. */
static int round_(long first, long second, long third)
{
    points[0] = first, points[1] = second, points[2] = third;
    left[0] = left[1] = left[2] = 0;
    stepped();
    return (left[0] < 0) + (left[1] < 0) + (left[2] < 0);
}

int main(int argc, char **argv)
{
    long stride = atol(argv[1]), rounds = 0;
    struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigaction(SIGTRAP, &action, 0);
    for (unsigned shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
        words = shapes[shape];
        int reached = 3;
        for (long first = 0; reached >= 1; first++) {
            reached = 2;
            for (long second = first % stride; reached >= 2; second += stride) {
                reached = 3;
                for (long third = (first + second) % stride; reached >= 3; third += stride) {
                    reached = round_(first, second, third);
                    if (++rounds % 4 == 0) {
                        consume_rest();
#ifndef RING_FILLS
                        reading = !reading;
#endif
                    }
                }
            }
        }
    }
    consume_rest();
    account(interrupts, deepest);
    return 0;
}
