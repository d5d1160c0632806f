// What a thread of the pool begins with, for the reason that ../worker_entry.cts gives.
module.exports = import('./thread.ts').then((thread) => thread.default)
