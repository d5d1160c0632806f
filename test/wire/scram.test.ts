import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ScramClient } from '../../src/wire/scram.ts'
import { rejectsWith } from '../support/log.ts'

/** The example of RFC 7677, section 3. */
const rfc = {
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  serverFirst:
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

const clientOf = (password = 'pencil') => new ScramClient('sha256', 'user', password, rfc.nonce)

test('the example of RFC 7677 comes out as it is printed', async () => {
  const client = clientOf()
  assert.equal(client.first(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  assert.equal(await client.final(rfc.serverFirst), rfc.clientFinal)
  client.verify(rfc.serverFinal)
})

test('names are written without the two characters that mean something', () => {
  const client = new ScramClient('sha512', 'a=b,c=2C', 'p', 'n')
  assert.equal(client.first(), 'n,,n=a=3Db=2Cc=3D2C,r=n')
})

describe('a server is not believed', () => {
  test('that does not prove that it knows the password', async () => {
    for (const serverFinal of [rfc.serverFinal.replace('6', '7'), 'v=', '', 'v=AAAA']) {
      const client = clientOf()
      await client.final(rfc.serverFirst)
      assert.throws(() => client.verify(serverFinal), rejectsWith('AUTHENTICATION_FAILED'))
    }
    assert.throws(() => clientOf().verify(rfc.serverFinal), rejectsWith('AUTHENTICATION_FAILED'))
  })

  test('whose nonce does not continue ours', async () => {
    for (const nonce of ['other', rfc.nonce, '', `x${rfc.nonce}yz`])
      await assert.rejects(
        clientOf().final(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`),
        rejectsWith('PROTOCOL_VIOLATED'),
      )
  })

  test('that wants too few or too many iterations, or nonsense', async () => {
    for (const count of ['1', '4095', '1000001', '99999999999', '-4096', '4096.5', '4e3', '', 'x'])
      await assert.rejects(
        clientOf().final(`r=${rfc.nonce}abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${count}`),
        rejectsWith('PROTOCOL_VIOLATED'),
      )
    await clientOf().final(`r=${rfc.nonce}abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4097`)
  })

  test('that wants an extension, or has no salt', async () => {
    for (const first of [
      `m=ext,${rfc.serverFirst}`,
      `r=${rfc.nonce}abc,i=4096`,
      `r=${rfc.nonce}abc,s=,i=4096`,
      'nonsense',
      '',
    ])
      await assert.rejects(clientOf().final(first), rejectsWith('PROTOCOL_VIOLATED'))
  })
})

test('what a server refuses is AUTHENTICATION_FAILED with its reason', async () => {
  await assert.rejects(clientOf().final('e=unknown-user'), /refuses the login: unknown-user/)
  const client = clientOf()
  await client.final(rfc.serverFirst)
  assert.throws(() => client.verify('e=invalid-proof'), rejectsWith('AUTHENTICATION_FAILED'))
})
