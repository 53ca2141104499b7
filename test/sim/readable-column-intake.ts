import { createRowReader } from '@docket/event';
import { columnsOf, createColumnIntake, type ColumnPart } from '../../services/ingestor/src/column-intake.ts';
import type { CreateIntake, ModelRow, SimPart } from './sim-part.ts';

/** The intake of the ingestor itself, whose columns are read back for the models. */
export const createReadableColumnIntake: CreateIntake = (options) => {
  // The model's events are no Avro, so every record takes the path by objects; what is written are columns all the same.
  const intake = createColumnIntake({ ...options, codecOf: () => undefined, slotSeed: 0 });
  const inner = new WeakMap<SimPart, ColumnPart>();

  function readable(part: ColumnPart): SimPart {
    const { size, ends, strays } = part;
    const shown: SimPart = {
      size,
      ends,
      strays,
      modelRows: () => rowsOf(part),
      halves() {
        const [first, second] = part.halves();
        return [readable(first), readable(second)];
      },
    };
    inner.set(shown, part);
    return shown;
  }

  const partOf = (part: SimPart): ColumnPart => {
    const known = inner.get(part);
    if (known === undefined) throw new Error('a part of another run');
    return known;
  };

  return {
    ...intake,
    take(nowMs) {
      const part = intake.take(nowMs);
      return part === undefined ? undefined : readable(part);
    },
    release: (part) => intake.release(partOf(part)),
    refuse(part, message) {
      const refused = intake.refuse(partOf(part), message);
      return refused === null ? null : readable(refused);
    },
  };
};

function rowsOf(part: ColumnPart): ModelRow[] {
  const columns = columnsOf(part);
  const reader = createRowReader((column) => columns.sinksOf(column));
  return Array.from({ length: columns.rows }, (_, row) => ({
    ...reader.placeAt(row),
    content_hash: reader.contentHashAt(row),
  }));
}
