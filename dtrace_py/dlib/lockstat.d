/* Kinds of locks in lockstat probes. */

inline int RW_WRITER = 0;
inline int RW_READER = 1;
