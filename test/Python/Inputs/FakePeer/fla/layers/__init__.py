from fla.ops.delta_rule import chunk_delta_rule
from fla.ops.gla import chunk_gla as rule
