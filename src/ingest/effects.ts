// Counts what a second attempt at an event would double: writes of tables, and, where output counts
// once, what is sent. Made with the connection; agents look at it.

export interface Effects {
  count: number
}
