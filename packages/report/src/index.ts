export { type Confusion, confusedCharacters, confusionTable } from './confusions.js';
export { type LearningCurvesOptions, learningCurves } from './curves.js';
export type { Figure } from './figure.js';
export { gitCommit, type MachineInfo, machineInfo } from './machine.js';
export { type Prediction, type PredictionSheetOptions, predictionSheet } from './prediction-sheet.js';
export type { Run, RunRecord, Setting } from './run.js';
export { type TensorBoardListener, type TensorBoardOptions, type TrainingEvent, tensorboard } from './tensorboard.js';
export {
  type EpochRecord,
  type Metrics,
  readLog,
  type StepPoint,
  type TrainingLog,
  type ValidationPoint,
  withValidations,
} from './training-log.js';
export { writeReport } from './write-report.js';
