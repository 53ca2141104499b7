const watchers = new Set<() => void>();

/**
 * Calls `tell` when the process ends by itself or by `process.exit`, unless the function that it gives is called before.
 * One listener for all recorders: Node warns of many.
 */
export function watchForExit(tell: () => void): () => void {
  if (watchers.size === 0) process.on('exit', tellAll);
  watchers.add(tell);
  return () => {
    watchers.delete(tell);
    if (watchers.size === 0) process.off('exit', tellAll);
  };
}

function tellAll(): void {
  for (const tell of watchers) tell();
}
