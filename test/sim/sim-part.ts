import type { EventRow, ReadingRules } from '@docket/event';
import type { BlockLimits } from '../../services/ingestor/src/block-queue.ts';
import type { InsertableBlock, Intake, IntakeOptions } from '../../services/ingestor/src/intake.ts';

/** What the models know of a row. */
export type ModelRow = Pick<
  EventRow,
  'tenant_id' | 'seq' | 'id' | 'status' | 'content_hash' | 'received_at' | 'src_partition' | 'src_offset'
>;

/** A part of a block that can be looked into. */
export interface SimPart extends InsertableBlock<SimPart> {
  /** As they are now; they do not change any more. */
  modelRows(): readonly ModelRow[];
}

export interface SimIntakeOptions extends ReadingRules, IntakeOptions {
  readonly generation: number;
  readonly limits: BlockLimits;
  readonly windowRecords: number;
}

export type CreateIntake = (options: SimIntakeOptions) => Intake<SimPart>;
