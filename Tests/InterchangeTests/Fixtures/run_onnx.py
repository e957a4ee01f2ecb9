"""Checks and runs every FOLDER/N.onnx on FOLDER/N.images (float32, N x C x H x W) and writes FOLDER/N.logits."""
import pathlib
import sys

import numpy
import onnx
import onnxruntime

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    values = numpy.fromfile(path.with_suffix(".images"), dtype="<f4").reshape((-1, *images.shape[1:]))
    (logits,) = session.run(["logits"], {images.name: values})
    logits.astype("<f4").tofile(path.with_suffix(".logits"))
    print(path.stem, images.name, list(images.shape), session.get_modelmeta().custom_metadata_map)
