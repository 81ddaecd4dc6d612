/*
 * What every look-up goes through is compiled in one piece: calls between its steps would cost as much as a step. What only the
 * first look-up needs, or one in many, stays apart: joined in, its room would lie on the stack of all of them.
 */
#ifndef B2B_ONE_PIECE_H
#define B2B_ONE_PIECE_H

#define B2B_ONE_PIECE __attribute__((flatten))
#define B2B_APART __attribute__((noinline, cold))

#endif
