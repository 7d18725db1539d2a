"""Methods and conditions in, predictions and their statistics out.

methods        what a method is, and all methods by name
predictions    class scores -> one row a clip and a frame; accuracy
sweep          conditions x clips -> predictions, kept by key
judge          several methods on the same clips; labels only for those that are marked as told
mixing         two methods' answers mixed, from rows that kept their scores
intervals      bootstrap over groups
significance   paired tests by groups
calibration    is confidence as high as accuracy?
summaries      tables of the above
"""
