import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

const keyBytes = 32;

function derived(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** `salt.key`, both hex. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}.${(await derived(password, salt)).toString('hex')}`;
}

/** False for any text that is no hash, such as the empty one of a user without a password. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [salt = '', key = ''] = hash.split('.');
  const expected = Buffer.from(key, 'hex');
  const actual = await derived(password, Buffer.from(salt, 'hex'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
