// A program with commands of its own. Run by test/cli/user_commands.test.ts.
import { App } from '../../src/index.ts'

export const app = new App('commanded', { broker: 'embedded:./log' })

app.command(
  'greet',
  {
    description: 'greet somebody',
    arguments: { '<name>': 'who', '[others...]': 'and who else' },
    options: { '-l, --loud': 'louder', '--times-said <n>': 'how often' },
  },
  ({ args: { name, others }, options: { loud, timesSaid } }) => {
    const text = `hello ${[name, ...others].join(' and ')}`.repeat(Number(timesSaid ?? 1))
    return loud ? text.toUpperCase() : text
  },
)
app.command('store', { description: 'send a record' }, async () => {
  const { topic, partition, offset } = await app.send('stored', { value: 1, partition: 0 })
  return { topic, partition, offset: Number(offset) }
})
app.topic('stored')
app.command('fail', { description: 'fail' }, async () => {
  throw new Error('on purpose')
})

await app.main(import.meta)
