// What a kernel thread begins with. piscina would load an ES module by require(), and a thread that
// is ended in the middle of that takes the whole process with it (Node 20: "IsGraphAsync must be
// used on an instantiated module"); import() ends with its thread.
module.exports = import('./worker.ts').then((thread) => thread.default)
