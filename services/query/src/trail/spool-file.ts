import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An append-only file of lines. Calls come one after another: its one caller sees to that. */
export interface SpoolFile {
  /** Bytes that are in it. */
  bytes(): number;
  /**
   * Resolves when the lines are written: they outlive the process, and with `isDurable` a loss of power. When that fails
   * nothing of them is left, and it rejects.
   */
  append(text: string): Promise<void>;
  /** Replaces all that it holds, whole or not at all. */
  replace(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file, or makes it; gives its lines too. A last line without an end was torn by a crash and is cut off. */
export async function openSpoolFile(
  path: string,
  { isDurable }: { readonly isDurable: boolean },
): Promise<{ file: SpoolFile; lines: string[] }> {
  let handle: FileHandle = await open(path, 'a+', 0o600);
  const text = await handle.readFile('utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  let bytes = Buffer.byteLength(whole);
  if (whole !== text) await handle.truncate(bytes);
  if (isDurable) await syncFolder(path);

  async function append(added: string): Promise<void> {
    try {
      await handle.appendFile(added);
      if (isDurable) await handle.datasync();
    } catch (error) {
      // Half a line would make the next one unreadable.
      await handle.truncate(bytes);
      throw error;
    }
    bytes += Buffer.byteLength(added);
  }

  async function replace(all: string): Promise<void> {
    const newPath = `${path}.new`;
    await rm(newPath, { force: true });
    const fresh = await open(newPath, 'ax', 0o600);
    try {
      await fresh.appendFile(all);
      if (isDurable) await fresh.sync();
      await rename(newPath, path);
    } catch (error) {
      await fresh.close();
      throw error;
    }
    const before = handle;
    handle = fresh;
    bytes = Buffer.byteLength(all);
    await before.close();
    if (isDurable) await syncFolder(path);
  }

  const file = { bytes: () => bytes, append, replace, close: () => handle.close() };
  return { file, lines: whole.split('\n').slice(0, -1) };
}

/** Makes the name of a file outlive a loss of power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
