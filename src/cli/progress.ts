// A line that says how far a long command is: painted over itself in a terminal, one line a step
// elsewhere. Called by bench.
export class Progress {
  readonly #stream: NodeJS.WriteStream
  #shown = ''

  /** Progress belongs on standard error, so that results can be piped. */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(text: string): void {
    if (text === this.#shown) return
    const sameStep = text.replace(/[\d.,]+ ?%$/, '') === this.#shown.replace(/[\d.,]+ ?%$/, '')
    this.#shown = text
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[2K${text}`)
    else if (!sameStep) this.#stream.write(`${text}\n`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#stream.isTTY && this.#shown !== '') this.#stream.write('\r\x1b[2K')
    this.#shown = ''
  }
}
