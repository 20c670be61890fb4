// Package budget bounds what the queues of a node hold together, beside the bound
// that each has of its own.
//
//	limits.memory ── a part of it ──▶ Share "lanes"      ◀── Take, Give ── lane of a link
//	              └─ another part ──▶ Share "mailboxes"  ◀── Take, Give ── mailbox of an actor
//
// A queue takes from its Share before it grows, in steps, and gives back when it has
// shrunk. No queue gets more than an eighth of what is free at that time, so those that
// fill up one after another and stay full leave room for the next:
//
//	full queues          1     4     8    16    32
//	the next gets       10%    7%    4%   1.7%  0.3%
//	free is still       89%   62%   39%   15%   2%
//
// # Lifecycle, concurrency, errors
//
// A Share has no goroutine and no end. Its methods may be called from any goroutine, with
// locks held: they do not block. They do not fail either; who is refused returns the
// error of its own layer. The first refusal is told, and then that there is room again,
// with how often was refused meanwhile. A nil *Share refuses nothing.
package budget
