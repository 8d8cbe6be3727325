"""Language models: the base that adapters share, and a tiny one pre-trained on the spot.

`base` refers to a causal language model and loads it, `weights` identifies its `weight_files`, `hub` has it from the
Hugging Face hub, `pretrain` makes a small one of `texts` with the tokenizer of `tokenizing`, `ngrams` is what it is
measured against.

`instructions` reads `examples`, `division` parts them by what `near` finds alike, `templates` write them as text,
`encoding` makes `sequences` of them, and `batches` and `packing` put these together for a step.

`adapters` puts one into a base, `dataset` is what it learns, `source` where such data are looked up.

`likelihood` scores the answer tokens of `sequences`. `benchmarks` hold multiple-choice questions, `pairs` their texts
as tokens, `choices` what a model says of their answers, `answering` that as predictions of a pool's member; `tokens`
makes rows and predictions of answer tokens; `members` adds either to a pool, and `questions` keeps the texts beside it.
"""
